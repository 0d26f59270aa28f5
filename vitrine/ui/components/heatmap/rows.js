// Where rows and columns lie, and which of them a point means. Places are in CSS pixels from the upper left corner.

const TALLEST = 28; // pixels of a row
const WIDEST = 84; // pixels of a column
const NAMES_WIDTH = 92;
const TRUTH_WIDTH = 12;
const GAP = 6;

// Columns: names, the true class, the cells from `left` to `right`, then bars.
function layoutOf(width, epochs, bars) {
  const barWidth = width < 560 ? 34 : 66;
  const left = (width < 560 ? 34 : NAMES_WIDTH) + TRUTH_WIDTH + GAP;
  const most = width - left - bars * (barWidth + GAP) - GAP;
  const cell = Math.max(0.5, Math.min(WIDEST, most / epochs));
  const right = Math.round(left + cell * epochs);
  const places = Array.from({ length: bars }, (_, n) => right + 2 * GAP + n * (barWidth + GAP));
  return { width, left, right, cell, truth: left - GAP - TRUTH_WIDTH, bars: places, barWidth };
}

// The height of a row at which all fit, and no row is taller than it need be.
function fittingHeight(rows, height) {
  return Math.min(TALLEST, height / Math.max(rows, 1));
}

// The rows that are drawn, one a line: all in sight, or where they are lower than a pixel one for each pixel.
function linesFor(scrolled, height, rowHeight, rows) {
  if (rowHeight >= 1) {
    const first = Math.max(0, Math.floor(scrolled / rowHeight));
    const last = Math.min(rows, Math.ceil((scrolled + height) / rowHeight));
    const shown = Array.from({ length: Math.max(0, last - first) }, (_, n) => first + n);
    return { shown, top: first * rowHeight - scrolled, lineHeight: rowHeight };
  }
  const lines = Math.max(0, Math.min(Math.round(height), Math.floor(rows * rowHeight - scrolled)));
  const shown = Array.from({ length: lines }, (_, y) => Math.min(rows - 1, Math.floor((scrolled + y + 0.5) / rowHeight)));
  return { shown, top: 0, lineHeight: 1 };
}

// The row and epoch under a point; null beside the rows, an epoch of null beside the cells.
function cellAt({ x, y }, layout, { shown, top, lineHeight }, epochs) {
  const line = Math.floor((y - top) / lineHeight);
  if (line < 0 || line >= shown.length || x < 0) return null;
  const epoch = Math.floor((x - layout.left) / layout.cell);
  return { row: shown[line], epoch: x >= layout.left && epoch < epochs ? epoch : null };
}

// The cell that a key leads to; null where it leads nowhere.
function steppedCell({ row, epoch }, key, rows, epochs, page) {
  const steps = {
    ArrowUp: [row - 1, epoch],
    ArrowDown: [row + 1, epoch],
    ArrowLeft: [row, epoch - 1],
    ArrowRight: [row, epoch + 1],
    PageUp: [row - page, epoch],
    PageDown: [row + page, epoch],
    Home: [0, epoch],
    End: [rows - 1, epoch],
  };
  if (!(key in steps) || rows === 0) return null;
  const within = (value, count) => Math.min(count - 1, Math.max(0, value));
  return { row: within(steps[key][0], rows), epoch: within(steps[key][1], epochs) };
}

// The data that Python sends; see payload.py.
function unpackedRows(data) {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const start = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) + 4;
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, start)));
  let at = start;
  const take = (Kind, count) => {
    const length = count * Kind.BYTES_PER_ELEMENT;
    at += length;
    return new Kind(bytes.slice(at - length, at).buffer);
  };
  const Classes = header.wide === 1 ? Uint8Array : Uint16Array;
  const predictions = take(Classes, header.rows * header.epochs.length);
  const actual = take(Classes, header.rows);
  const shares = header.bars.map(() => take(Uint8Array, header.rows));
  const numbers = take(Uint32Array, header.rows);
  const confidences = header.sure ? take(Uint8Array, predictions.length) : null;
  return { ...header, noData: header.wide === 1 ? 255 : 65535, predictions, actual, shares, numbers, confidences, jpeg: bytes.subarray(at) };
}
