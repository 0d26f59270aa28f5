// What a cell says, for the eye and for a screen reader.

const THUMBNAIL = 96; // pixels

function nameOf(data, label) {
  return label === data.noData ? "no data" : data.labels[label];
}

function spokenCell(data, { row, epoch }) {
  const label = data.predictions[row * data.epochs.length + epoch];
  const said = label === data.noData ? "no data" : `predicted ${data.labels[label]}`;
  return `${data.ids[row]}, epoch ${data.epochs[epoch]}: ${said}${sureOf(data, row, epoch)}, true ${nameOf(data, data.actual[row])}`;
}

// How sure the network was, " (0.83)"; nothing where that is not known.
function sureOf({ confidences, epochs }, row, epoch) {
  const share = confidences ? confidences[row * epochs.length + epoch] : 255;
  return share === 255 ? "" : ` (${asShare(share)})`;
}

function asShare(share) {
  return (share / 254).toFixed(2);
}

function swatch(colour) {
  const made = element("span", { className: "swatch" });
  made.style.background = colour;
  return made;
}

// The parts of the note beside the pointer.
function tipFor(map, { row, epoch }) {
  const { data, theme } = map;
  const line = (title, label, more = "") =>
    element("div", {}, `${title}: `, swatch(colourOf(data, label, theme)), nameOf(data, label) + more);
  const parts = [element("strong", {}, data.ids[row])];
  if (epoch !== null) parts.push(element("div", {}, `epoch ${data.epochs[epoch]}`));
  if (epoch !== null) parts.push(line("predicted", data.predictions[row * data.epochs.length + epoch], sureOf(data, row, epoch)));
  parts.push(line("true", data.actual[row]));
  data.bars.forEach((title, at) => {
    const share = data.shares[at][row];
    parts.push(element("div", { className: "figure" }, `${title.toLowerCase()}: ${share === 255 ? "n/a" : asShare(share)}`));
  });
  const text = element("div", {}, ...parts);
  const thumbnail = thumbnailOf(map, data.numbers[row]);
  return thumbnail ? [thumbnail, text] : [text];
}

function thumbnailOf({ sheet, data }, number) {
  if (!sheet) return null;
  const { columns, width, height } = data.sprites;
  const scale = THUMBNAIL / Math.max(width, height);
  const canvas = element("canvas", { width: width * scale, height: height * scale });
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = scale < 2;
  const [across, down] = [(number % columns) * width, Math.floor(number / columns) * height];
  context.drawImage(sheet, across, down, width, height, 0, 0, canvas.width, canvas.height);
  return canvas;
}
