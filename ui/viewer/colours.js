// Colours for values; TABLES (256 sRGB colours a map, in base64) and DIVERGING come from Python.

const tables = Object.fromEntries(
  Object.entries(TABLES).map(([name, text]) => [name, Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]),
);

function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

// What a panel is drawn with: {name, diverging, low, high}.
function scaleFor(values, choice) {
  const [low, high] = extent(values);
  const name = choice === "automatic" ? AUTOMATIC[low < 0 ? "signed" : "unsigned"] : choice;
  const diverging = DIVERGING.includes(name);
  const limit = Math.max(-low, high);
  return diverging ? { name, diverging, low: -limit, high: limit } : { name, diverging, low, high };
}

// Fills the opaque colours of `map` and, where given, of `cover`, whose alpha follows the strength where `fade` is set.
function colour(values, scale, fade, map, cover) {
  const table = tables[scale.name];
  const span = scale.high - scale.low;
  const rest = scale.diverging ? 0.5 : 0;
  for (let i = 0; i < values.length; i++) {
    const share = span > 0 ? (values[i] - scale.low) / span : rest;
    const at = 3 * Math.floor(share * 255 + 0.5);
    for (let channel = 0; channel < 3; channel++) {
      map[4 * i + channel] = cover[4 * i + channel] = table[at + channel];
    }
    map[4 * i + 3] = 255;
    const strength = scale.diverging ? Math.abs(2 * share - 1) : share;
    cover[4 * i + 3] = fade ? Math.round(255 * Math.sqrt(strength)) : 255;
  }
}

function gradientOf(name) {
  const table = tables[name];
  const stops = Array.from({ length: 33 }, (_, i) => 3 * Math.round((i * 255) / 32));
  return `linear-gradient(to right, ${stops.map((at) => `rgb(${table.slice(at, at + 3).join(" ")})`).join(", ")})`;
}

function inWords(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e-3 && size < 1e5 ? size.toPrecision(3) : size.toExponential(2);
  return value < 0 ? `−${text}` : text;
}
