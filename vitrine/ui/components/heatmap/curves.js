// The curves above the cells, each epoch over its column.

const STRIP = 54; // pixels
const STRIP_GAP = 12;
const AXIS = 34;
const TOP = 8;
const LINES = ["#2078b7", "#e76018", "#00a068", "#b050b0", "#8f7800", "#a76078"];

function stripsOf(curves) {
  const strips = new Map();
  curves.forEach((curve, number) => {
    if (!strips.has(curve.strip)) strips.set(curve.strip, []);
    strips.get(curve.strip).push({ ...curve, colour: LINES[strips.get(curve.strip).length % LINES.length], number });
  });
  return [...strips.values()];
}

function curvesHeight(strips) {
  return TOP + strips.length * (STRIP + STRIP_GAP) + AXIS - STRIP_GAP;
}

// The least and greatest value on the scale of some curves: shares of one from 0 to 1, others as far as they go.
function scaleOf(lines) {
  const values = lines.flatMap((line) => line.values.filter((value) => value !== null));
  if (!values.length) return [0, 1];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (lines[0].strip === "accuracy" && low >= 0 && high <= 1) return [0, 1];
  return [lines[0].strip === "loss" && low >= 0 ? 0 : low, high > low ? high : low + 1];
}

function shortNumber(value) {
  return Math.abs(value) >= 100 || Number.isInteger(value) ? `${Math.round(value)}` : value.toPrecision(2);
}

// The epochs whose names are written: as many as have room, the first among them.
function namedEpochs(epochs, cell, widest) {
  const every = Math.max(1, Math.ceil((widest + 8) / cell));
  return epochs.map((name, at) => ({ name, at })).filter(({ at }) => at % every === 0);
}

function drawCurves(context, { strips, epochs, bars }, layout, theme, pointed) {
  context.font = `12px ${theme.font}`;
  context.textBaseline = "middle";
  strips.forEach((lines, place) => drawStrip(context, lines, TOP + place * (STRIP + STRIP_GAP), layout, theme));
  const bottom = curvesHeight(strips);
  drawAxis(context, epochs, bars, bottom, layout, theme);
  if (pointed === null) return;
  const x = layout.left + (pointed + 0.5) * layout.cell;
  context.fillStyle = theme.text;
  context.fillRect(Math.round(x), 2, 1, bottom - AXIS);
}

function drawStrip(context, lines, top, layout, theme) {
  const [low, high] = scaleOf(lines);
  const placeOf = (value) => top + STRIP * (1 - (value - low) / (high - low));
  context.fillStyle = theme.line;
  context.fillRect(layout.left, top, layout.right - layout.left, 1);
  context.fillRect(layout.left, top + STRIP, layout.right - layout.left, 1);
  context.fillStyle = theme.muted;
  context.textAlign = "right";
  context.fillText(shortNumber(high), layout.left - 4, top + 4);
  context.fillText(shortNumber(low), layout.left - 4, top + STRIP - 3);
  lines.forEach((line, at) => {
    drawLine(context, line, placeOf, layout);
    context.textAlign = "left";
    const y = top + 5 + at * Math.min(14, STRIP / lines.length);
    context.fillRect(layout.right + 8, y - 1, 10, 3);
    context.fillStyle = theme.text;
    context.fillText(line.name, layout.right + 22, y, layout.width - layout.right - 22);
  });
}

function drawLine(context, { values, colour }, placeOf, layout) {
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = 2;
  context.beginPath();
  let drawing = false;
  values.forEach((value, at) => {
    const x = layout.left + (at + 0.5) * layout.cell;
    if (value === null) drawing = false;
    else {
      if (drawing) context.lineTo(x, placeOf(value));
      else context.moveTo(x, placeOf(value));
      const alone = !drawing && (values[at + 1] ?? null) === null;
      if (alone) context.fillRect(x - 2, placeOf(value) - 2, 4, 4);
      drawing = true;
    }
  });
  context.stroke();
}

function drawAxis(context, epochs, bars, bottom, layout, theme) {
  context.fillStyle = theme.muted;
  context.textAlign = "right";
  context.fillText("epoch", layout.truth - 4, bottom - 10, layout.truth - 4);
  const widest = Math.max(...epochs.map((name) => context.measureText(name).width));
  context.textAlign = "center";
  for (const { name, at } of namedEpochs(epochs, layout.cell, Math.min(widest, 80))) {
    context.fillText(name, layout.left + (at + 0.5) * layout.cell, bottom - 10, 80);
  }
  context.textAlign = "left";
  bars.forEach((title, at) => context.fillText(title, layout.bars[at], bottom - 10, layout.barWidth));
  context.save();
  context.translate(layout.truth + TRUTH_WIDTH / 2, bottom - 4);
  context.rotate(-Math.PI / 2);
  context.fillText("true", 0, 0);
  context.restore();
}
