// The colours of classes as pixels, and those of the theme.

const FADED = 0.16;

function themeOf(node) {
  const style = getComputedStyle(node);
  const named = (name, other) => style.getPropertyValue(name).trim() || other;
  const text = parsed(named("--st-text-color", "#17212b"));
  const ground = parsed(named("--st-background-color", "#ffffff"));
  return {
    text: written(text),
    ground: written(ground),
    muted: written(mixed(text, ground, 0.66)),
    line: written(mixed(text, ground, 0.22)),
    bar: written(mixed(text, ground, 0.5)),
    missing: mixed(text, ground, 0.3),
    groundParts: ground,
    accent: named("--st-primary-color", "#0b6e8f"),
    font: named("--st-font", "sans-serif"),
  };
}

// A colour of CSS as [red, green, blue].
function parsed(colour) {
  const context = document.createElement("canvas").getContext("2d");
  context.fillStyle = colour;
  const found = context.fillStyle; // "#rrggbb", or "rgba(...)" where it is not opaque
  if (found.startsWith("#")) return [1, 3, 5].map((at) => parseInt(found.slice(at, at + 2), 16));
  return found.match(/[\d.]+/g).slice(0, 3).map(Number);
}

function mixed(one, other, share) {
  return one.map((value, at) => Math.round(value * share + other[at] * (1 - share)));
}

function written([red, green, blue]) {
  return `rgb(${red}, ${green}, ${blue})`;
}

// A pixel as ImageData holds it, in the order of bytes of all machines that browsers run on.
function pixel([red, green, blue]) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

// Pixels by class, full and faded; no data comes after the last class.
function palettesOf(colours, classes, theme) {
  const full = new Uint32Array(classes + 1);
  const faded = new Uint32Array(classes + 1);
  for (let label = 0; label < classes; label += 1) {
    const parts = parsed(colours[label % colours.length]);
    full[label] = pixel(parts);
    faded[label] = pixel(mixed(parts, theme.groundParts, FADED));
  }
  full[classes] = faded[classes] = pixel(theme.missing);
  return { full, faded };
}

// Black or white, whichever has more contrast to a colour, as WCAG 2 measures it.
function inkOn(colour) {
  const linear = (value) => (value <= 10 ? value / 3294 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const [red, green, blue] = parsed(colour).map(linear);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}

// Paints the cells of some rows, a pixel each, into a canvas. fades(label, truth): whether a cell steps back.
function paintCells(canvas, { predictions, actual, epochs, labels, noData }, shown, palettes, fades) {
  const [width, height] = [epochs.length, Math.max(1, shown.length)];
  Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  shown.forEach((row, line) => {
    for (let epoch = 0; epoch < width; epoch += 1) {
      const label = predictions[row * width + epoch];
      const at = label === noData ? labels.length : label;
      pixels[line * width + epoch] = (fades(label, actual[row]) ? palettes.faded : palettes.full)[at];
    }
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
}
