use super::Sentences;

pub(super) const ES: Sentences = Sentences {
    out_of_order: "El asistente no funciona en este momento. Avise, por favor, al responsable de este sitio.",
    busy: "El asistente está muy ocupado. Inténtelo de nuevo en un momento.",
    conversation_too_long: "Esta conversación es demasiado larga para el asistente. Empiece una nueva, por favor.",
    not_answerable: "El asistente no puede responder a esto. Pregunte de otra manera, por favor.",
    unreachable: "No se puede contactar con el asistente. Inténtelo de nuevo en un momento.",
    silent: "El asistente ha tardado demasiado en responder. Inténtelo de nuevo, por favor.",
    broken_off: "La respuesta se ha interrumpido. Inténtelo de nuevo, por favor.",
    action_failed: "No ha funcionado. Inténtelo de nuevo, por favor.",
    took_too_long: "La respuesta ha tardado demasiado y se ha detenido. Inténtelo de nuevo, por favor.",
    interrupted: "La respuesta se ha interrumpido. Inténtelo de nuevo.",
    no_answer: "El asistente no ha respondido. Inténtelo de nuevo, por favor.",
    not_saved: "No se ha podido guardar la conversación. Inténtelo de nuevo en un momento.",
    closed: "Esta conversación ya no admite mensajes.",
    asked_a_lot: "Ha preguntado mucho en poco tiempo. Inténtelo de nuevo {when}.",
    user_budget: "Su presupuesto de tokens se ha agotado por ahora. Inténtelo de nuevo {when}.",
    address_budget: "El presupuesto de tokens de los visitantes de su red se ha agotado por ahora. Inténtelo de nuevo \
        {when}.",
    tenant_budget: "El presupuesto de tokens de este sitio se ha agotado por hoy. Inténtelo de nuevo {when}.",
    in_seconds: "dentro de {n} segundos",
    in_minutes: "dentro de {n} minutos",
    in_hours: "dentro de {n} horas",
    cut_by_limit: "La respuesta está incompleta porque ha preguntado mucho en poco tiempo.",
    cut_by_user_budget: "La respuesta está incompleta porque su presupuesto de tokens se ha agotado por ahora.",
    cut_by_address_budget: "La respuesta está incompleta porque el presupuesto de tokens de los visitantes de su red \
        se ha agotado por ahora.",
    cut_by_tenant_budget: "La respuesta está incompleta porque el presupuesto de tokens de este sitio se ha agotado \
        por hoy.",
    cut_by_length: "La respuesta se ha cortado porque era demasiado larga.",
    cut_by_filter: "El filtro de contenido ha detenido la respuesta.",
    incomplete: "La respuesta está incompleta.",
    picture_lost: "No se ha podido guardar una imagen.",
    task_failed: "No ha funcionado.",
    searched_web: "Búsqueda en la web",
    searched_files: "Búsqueda en archivos",
    steps: "{n} pasos",
};
