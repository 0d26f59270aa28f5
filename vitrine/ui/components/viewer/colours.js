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

// The colours of a map as 32-bit pixels without alpha, in the byte order of ImageData on every browser's machine.
function palette(name, share = 1) {
  const table = tables[name].map((level) => level * share);
  return Uint32Array.from({ length: 256 }, (_, i) => table[3 * i] | (table[3 * i + 1] << 8) | (table[3 * i + 2] << 16));
}

const palettes = Object.fromEntries(Object.keys(tables).map((name) => [name, palette(name)]));
const OPAQUE = 0xff000000;

// Fills the opaque pixels of `map` and those of `cover`, whose alpha is the root of the strength where `fade` is set.
function colour(values, { name, diverging, low, high }, fade, map, cover) {
  const colours = palettes[name];
  const rest = diverging ? 0.5 : 0;
  for (let i = 0; i < values.length; i++) {
    const share = high > low ? (values[i] - low) / (high - low) : rest;
    const pixel = colours[Math.floor(share * 255 + 0.5)];
    const strength = diverging ? Math.abs(2 * share - 1) : share;
    map[i] = pixel | OPAQUE;
    cover[i] = pixel | ((fade ? Math.round(255 * Math.sqrt(strength)) : 255) << 24);
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
