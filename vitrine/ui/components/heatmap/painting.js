// Draws the rows in sight: names, true classes, cells, bars, and what is pointed at and chosen.

const NAMED_FROM = 13; // pixels that a row must have for its name, and the names of classes in its cells

function fitCanvas(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [across, down] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

function drawRows(context, data, layout, lines, theme, cells) {
  const { shown, top, lineHeight } = lines;
  context.imageSmoothingEnabled = false;
  if (shown.length) context.drawImage(cells, layout.left, top, layout.right - layout.left, shown.length * lineHeight);
  context.font = `12px ${theme.font}`;
  context.textBaseline = "middle";
  shown.forEach((row, line) => {
    const y = top + line * lineHeight;
    const thick = lineHeight > 4 ? lineHeight - 1 : lineHeight;
    context.fillStyle = colourOf(data, data.actual[row], theme);
    context.fillRect(layout.truth, y, TRUTH_WIDTH, thick);
    context.fillStyle = theme.bar;
    data.shares.forEach((shares, at) => {
      if (shares[row] !== 255) context.fillRect(layout.bars[at], y, (layout.barWidth * shares[row]) / 254, thick);
    });
    if (lineHeight < NAMED_FROM) return;
    drawNames(context, data, row, y + lineHeight / 2, layout, theme);
    context.fillStyle = theme.ground;
    context.fillRect(layout.left, y + lineHeight - 1, layout.right - layout.left, 1);
  });
  if (lineHeight < NAMED_FROM) drawPlaces(context, data, lines, layout, theme);
}

function colourOf(data, label, theme) {
  return label === data.noData ? written(theme.missing) : data.colours[label % data.colours.length];
}

function drawNames(context, data, row, middle, layout, theme) {
  context.fillStyle = theme.text;
  context.textAlign = "right";
  context.fillText(data.ids[row], layout.truth - 4, middle, layout.truth - 8);
  context.textAlign = "left";
  context.fillStyle = theme.muted;
  data.shares.forEach((shares, at) => {
    if (shares[row] === 255) context.fillText("n/a", layout.bars[at], middle);
  });
  context.textAlign = "center";
  for (let epoch = 0; epoch < data.epochs.length; epoch += 1) {
    const label = data.predictions[row * data.epochs.length + epoch];
    const name = label === data.noData ? "" : data.labels[label];
    if (!name || context.measureText(name).width > layout.cell - 2) continue;
    const right = label === data.actual[row];
    context.font = `${right ? "" : "bold "}12px ${theme.font}`;
    context.fillStyle = inkOn(colourOf(data, label, theme));
    context.fillText(name, layout.left + (epoch + 0.5) * layout.cell, middle);
  }
  context.font = `12px ${theme.font}`;
}

// Where rows are too low for names, their places: the first, the last, and some between.
function drawPlaces(context, data, { shown, top, lineHeight }, layout, theme) {
  if (!shown.length) return;
  context.fillStyle = theme.muted;
  context.textAlign = "right";
  const marks = Math.max(1, Math.min(6, Math.floor((shown.length * lineHeight) / 60)));
  for (let mark = 0; mark <= marks; mark += 1) {
    const line = Math.round((mark * (shown.length - 1)) / marks);
    const y = Math.max(7, top + (line + 0.5) * lineHeight - (mark === marks ? 6 : 0));
    context.fillText((shown[line] + 1).toLocaleString("en"), layout.truth - 6, y, layout.truth - 8);
  }
}

// Outlines a row, and a cell of it.
function outline(context, { row, epoch }, layout, { shown, top, lineHeight }, colour, around = colour) {
  const line = nearestLine(shown, row);
  if (line === null) return;
  const [y, height] = [top + line * lineHeight, Math.max(lineHeight, 3)];
  for (const [stroke, width] of [[around, 4], [colour, 2]]) {
    Object.assign(context, { strokeStyle: stroke, lineWidth: stroke === around && around === colour ? 2 : width });
    context.strokeRect(layout.truth - 2, y - 1, layout.right - layout.truth + 4, height + 1);
  }
  if (epoch === null) return;
  context.strokeRect(layout.left + epoch * layout.cell - 1, y - 2, layout.cell + 2, height + 3);
}

// The line that shows a row or, where rows are lower than a pixel, the one that lies nearest; null where out of sight.
function nearestLine(shown, row) {
  if (!shown.length || row < shown[0] || row > shown.at(-1)) return null;
  let [low, high] = [0, shown.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (shown[middle] < row) low = middle + 1;
    else high = middle;
  }
  return low;
}
