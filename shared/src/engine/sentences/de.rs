use super::Sentences;

pub(super) const DE: Sentences = Sentences {
    out_of_order: "Der Assistent ist außer Betrieb. Bitte sagen Sie dem Betreiber dieser Website Bescheid.",
    busy: "Der Assistent ist gerade überlastet. Bitte versuchen Sie es gleich noch einmal.",
    conversation_too_long: "Dieses Gespräch ist für den Assistenten zu lang. Bitte beginnen Sie ein neues.",
    not_answerable: "Darauf kann der Assistent nicht antworten. Bitte fragen Sie auf andere Weise.",
    unreachable: "Der Assistent ist nicht erreichbar. Bitte versuchen Sie es gleich noch einmal.",
    silent: "Der Assistent hat zu lange nicht geantwortet. Bitte versuchen Sie es noch einmal.",
    broken_off: "Die Antwort ist abgebrochen. Bitte versuchen Sie es noch einmal.",
    action_failed: "Das hat nicht geklappt. Bitte versuchen Sie es noch einmal.",
    took_too_long: "Die Antwort hat zu lange gedauert und wurde beendet. Bitte versuchen Sie es noch einmal.",
    interrupted: "Die Antwort wurde unterbrochen. Bitte versuchen Sie es noch einmal.",
    no_answer: "Der Assistent hat nicht geantwortet. Bitte versuchen Sie es noch einmal.",
    not_saved: "Das Gespräch konnte nicht gespeichert werden. Bitte versuchen Sie es gleich noch einmal.",
    closed: "Dieses Gespräch nimmt keine Nachrichten mehr an.",
    asked_a_lot: "Sie haben in kurzer Zeit viel gefragt. Bitte versuchen Sie es {when} noch einmal.",
    user_budget: "Ihr Token-Budget ist vorerst aufgebraucht. Bitte versuchen Sie es {when} noch einmal.",
    address_budget: "Das Token-Budget der Besucher aus Ihrem Netzwerk ist vorerst aufgebraucht. Bitte versuchen Sie \
        es {when} noch einmal.",
    tenant_budget: "Das Token-Budget dieser Website ist für heute aufgebraucht. Bitte versuchen Sie es {when} noch \
        einmal.",
    larger_than_budget: "Das ist mehr, als das Token-Budget zulässt. Bitte schicken Sie eine kürzere Nachricht oder kleinere Dateien.",
    in_seconds: "in {n} Sekunden",
    in_minutes: "in {n} Minuten",
    in_hours: "in {n} Stunden",
    cut_by_limit: "Die Antwort ist unvollständig, weil Sie in kurzer Zeit viel gefragt haben.",
    cut_by_user_budget: "Die Antwort ist unvollständig, weil Ihr Token-Budget vorerst aufgebraucht ist.",
    cut_by_address_budget: "Die Antwort ist unvollständig, weil das Token-Budget der Besucher aus Ihrem Netzwerk \
        vorerst aufgebraucht ist.",
    cut_by_tenant_budget: "Die Antwort ist unvollständig, weil das Token-Budget dieser Website für heute aufgebraucht \
        ist.",
    cut_by_length: "Die Antwort wurde abgeschnitten, weil sie zu lang wurde.",
    cut_by_filter: "Die Antwort wurde vom Inhaltsfilter angehalten.",
    incomplete: "Die Antwort ist unvollständig.",
    picture_lost: "Ein Bild konnte nicht gespeichert werden.",
    task_failed: "Das hat nicht geklappt.",
    searched_web: "Im Web gesucht",
    searched_files: "In Dateien gesucht",
    steps: "{n} Schritte",
};
