// Form controls made from the declarations of parameters that Python sends.

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in made && name !== "list") made[name] = value;
    else if (value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// Each control is {element, show(value)}; it calls live(value) while moving and settled(value) at the end.
function controlFor(declared, live, settled) {
  if (declared.choices.length) return choice(declared, live, settled);
  if (declared.kind === "bool") return toggle(declared, live, settled);
  return slider(declared, live, settled);
}

function slider({ name, label, help, low, high, step, unit }, live, settled) {
  const output = element("output", { className: "number" });
  const input = element("input", { type: "range", min: low, max: high, step, name });
  input.setAttribute("aria-label", label);
  input.setAttribute("aria-description", help);
  const after = unit && unit !== "%" ? ` ${unit}` : unit;
  const words = (value) => (low === 0 && high === 1 ? `${Math.round(100 * value)}%` : `${value}${after}`);
  const show = (value) => {
    input.value = value;
    output.value = words(Number(input.value));
    input.setAttribute("aria-valuetext", output.value);
    input.style.setProperty("--filled", `${(100 * (input.value - low)) / (high - low || 1)}%`);
  };
  input.addEventListener("input", () => {
    show(input.value);
    live(Number(input.value));
  });
  input.addEventListener("change", () => settled(Number(input.value)));
  const head = element("span", { className: "head" }, element("span", {}, label), output);
  return { element: element("label", { className: "field slider", title: help }, head, input), show };
}

function choice({ name, label, help, choices }, live, settled) {
  const options = choices.map((value) => element("option", { value }, inTitle(value)));
  const input = element("select", { name }, ...options);
  input.setAttribute("aria-description", help);
  input.addEventListener("change", () => {
    live(input.value);
    settled(input.value);
  });
  const head = element("span", { className: "head" }, label);
  const show = (value) => (input.value = value);
  return { element: element("label", { className: "field choice", title: help }, head, input), show };
}

function toggle({ name, label, help }, live, settled) {
  const input = element("input", { type: "checkbox", role: "switch", name });
  input.setAttribute("aria-description", help);
  input.addEventListener("change", () => {
    live(input.checked);
    settled(input.checked);
  });
  const show = (value) => (input.checked = value);
  return { element: element("label", { className: "field toggle", title: help }, input, element("span", {}, label)), show };
}

function button(label, text, press) {
  const made = element("button", { type: "button", title: label, className: "button" }, text);
  made.setAttribute("aria-label", label);
  made.addEventListener("click", press);
  return made;
}

function inTitle(name) {
  return name.charAt(0).toUpperCase() + name.slice(1).replaceAll("-", " – ");
}
