// Widgets for the tests: the demonstration shop's, and one with every component.

const THINGS = [
  ["bag", "Canvas bag", "Carries a week", "suitcase", "€49.00"],
  ["lamp", "Reading lamp", "Warm, and never in the way", "lightbulb", "€32.50"],
  ["notebook", "Notebook", "Dotted, 160 pages", "notebook", "€12.00"],
];

/** So many products. @param {number} count */
export const list = (count) => ({
  type: "ListView",
  children: THINGS.slice(0, count).map(([id, name, about, icon, price]) => ({
    type: "ListViewItem",
    key: id,
    gap: 3,
    align: "center",
    children: [
      {
        type: "Box",
        padding: 2,
        radius: "md",
        background: "surface-secondary",
        children: [{ type: "Icon", name: icon, size: "lg" }],
      },
      {
        type: "Col",
        flex: 1,
        gap: 0,
        children: [
          { type: "Text", value: name, weight: "semibold" },
          { type: "Caption", value: about },
        ],
      },
      { type: "Text", value: price },
      {
        type: "Button",
        label: "Add",
        iconStart: "plus",
        size: "sm",
        onClickAction: { type: "add_to_cart", payload: { product: id } },
      },
    ],
  })),
});

export const LIST = list(3);

export const CART = {
  type: "Card",
  asForm: true,
  confirm: { label: "Check out", action: { type: "checkout", payload: { product: "bag" } } },
  children: [
    {
      type: "Row",
      align: "center",
      gap: 2,
      children: [
        { type: "Icon", name: "suitcase" },
        { type: "Title", value: "Your cart", size: "sm" },
        { type: "Spacer" },
        { type: "Badge", label: "1 item", color: "info" },
      ],
    },
    { type: "Divider" },
    {
      type: "Row",
      align: "center",
      children: [
        { type: "Text", value: "Canvas bag" },
        { type: "Spacer" },
        { type: "Text", id: "price", value: "€49.00", weight: "semibold" },
        {
          type: "Button",
          label: "Refresh",
          iconStart: "reload",
          size: "sm",
          variant: "ghost",
          onClickAction: { type: "refresh_price", streaming: false, payload: { product: "bag" } },
        },
      ],
    },
    { type: "Label", value: "Delivery", fieldName: "delivery" },
    {
      type: "RadioGroup",
      name: "delivery",
      ariaLabel: "Delivery",
      defaultValue: "post",
      options: [
        { value: "post", label: "By post" },
        { value: "express", label: "Express" },
      ],
    },
    { type: "Label", value: "A note for us", fieldName: "note" },
    { type: "Input", name: "note", placeholder: "Leave it at the door" },
  ],
};

export const GALLERY = {
  type: "Card",
  size: "lg",
  status: { text: "Everything there is", icon: "sparkle" },
  confirm: { label: "Confirm", action: { type: "yes" } },
  cancel: { label: "Cancel", action: { type: "no" } },
  children: [
    { type: "Title", value: "A title", size: "lg" },
    { type: "Markdown", value: "Some *markdown* with `code` and [a link](https://example.com/)." },
    {
      type: "Row",
      gap: 2,
      wrap: "wrap",
      children: ["secondary", "success", "warning", "danger", "info", "discovery"].map((color) => ({
        type: "Badge",
        label: color,
        color,
      })),
    },
    {
      type: "Row",
      gap: 2,
      wrap: "wrap",
      children: [
        { type: "Button", label: "Primary", style: "primary", onClickAction: { type: "a" } },
        { type: "Button", label: "Soft", variant: "soft", color: "success", pill: true, onClickAction: { type: "a" } },
        {
          type: "Button",
          label: "A thing of the page",
          variant: "ghost",
          iconEnd: "external-link",
          onClickAction: { type: "wave", handler: "client" },
        },
      ],
    },
    { type: "Divider", flush: true },
    {
      type: "Chart",
      height: 220,
      xAxis: "day",
      showYAxis: true,
      data: [
        { day: "Mon", visits: 12, orders: 3 },
        { day: "Tue", visits: 19, orders: 7 },
        { day: "Wed", visits: 9, orders: 4 },
        { day: "Thu", visits: 24, orders: 11 },
      ],
      series: [
        { type: "bar", dataKey: "visits", label: "Visits" },
        { type: "line", dataKey: "orders", label: "Orders", color: "red-500" },
      ],
    },
    {
      type: "Table",
      children: [
        {
          type: "Table.Row",
          header: true,
          children: [
            { type: "Table.Cell", children: [{ type: "Text", value: "Planet", size: "sm" }] },
            { type: "Table.Cell", align: "end", children: [{ type: "Text", value: "Moons", size: "sm" }] },
          ],
        },
        {
          type: "Table.Row",
          children: [
            { type: "Table.Cell", children: [{ type: "Text", value: "Mars" }] },
            { type: "Table.Cell", align: "end", children: [{ type: "Text", value: "2", textAlign: "end" }] },
          ],
        },
      ],
    },
    {
      type: "Form",
      onSubmitAction: { type: "send" },
      children: [
        { type: "Label", value: "Your name", fieldName: "person.name" },
        { type: "Input", name: "person.name", required: true, placeholder: "Ada" },
        { type: "Label", value: "About you", fieldName: "about" },
        { type: "Textarea", name: "about", rows: 2, placeholder: "A few words" },
        {
          type: "Row",
          gap: 2,
          children: [
            {
              type: "Select",
              name: "size",
              placeholder: "Size",
              options: [
                { value: "s", label: "Small" },
                { value: "l", label: "Large" },
              ],
            },
            { type: "DatePicker", name: "date", defaultValue: "2026-11-20" },
          ],
        },
        { type: "Checkbox", name: "news", label: "Tell me about news", defaultChecked: true },
      ],
    },
    {
      type: "Row",
      gap: 3,
      children: [
        { type: "Image", src: "data:image/png;base64,broken", alt: "A lost image", size: 48 },
        {
          type: "Text",
          value:
            "Cut off after one line however long the sentence in it may be, as it is here, at least on most screens",
          truncate: true,
        },
      ],
    },
    {
      type: "RadioGroup",
      name: "pick",
      ariaLabel: "Pick",
      direction: "col",
      options: [
        { value: "1", label: "One" },
        { value: "2", label: "Two" },
      ],
    },
    { type: "Hologram", children: [{ type: "Caption", value: "Inside of something new", color: "discovery" }, null] },
  ],
};
