// The filters that follow the finger: the same arithmetic as the Python filters of the same names.

const spectra = new WeakMap();

function spectrumFor(values, height, width, signed) {
  if (!spectra.has(values)) spectra.set(values, new Map());
  const known = spectra.get(values);
  if (!known.has(signed)) known.set(signed, spectrumOf(signed ? values : values.map(Math.abs), height, width));
  return known.get(signed);
}

const FILTERS = {
  forgrad(values, height, width, { sigma, signed, clip }) {
    const smooth = lowPassed(spectrumFor(values, height, width, signed), sigma);
    if (clip) return Float32Array.from(smooth, (value) => Math.max(value, 0));
    return Float32Array.from(signed ? smooth : smooth.map(Math.abs));
  },
  absolute(values) {
    return values.map(Math.abs);
  },
  percentile_clip(values, height, width, { percentile }) {
    const limit = Math.fround(percentileOf(values.map(Math.abs), percentile));
    return values.map((value) => Math.min(limit, Math.max(-limit, value)));
  },
};

// Linear between the two nearest ranks, as numpy's percentile.
function percentileOf(values, percentile) {
  const sorted = values.slice().sort();
  const rank = ((sorted.length - 1) * percentile) / 100;
  const below = Math.floor(rank);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (rank - below);
}

function filtered(values, height, width, chosen) {
  return Object.entries(FILTERS).reduce(
    (map, [id, apply]) => (chosen[id] ? apply(map, height, width, chosen[id]) : map),
    values,
  );
}

// Nought outside a frame (shares of the sides), and from 0 to 1 inside; as Python's `renormalised`.
function cutTo([left, top, right, bottom], values, height, width) {
  const [up, down] = spanOf(top * height, bottom * height, height);
  const [first, last] = spanOf(left * width, right * width, width);
  const rows = Array.from({ length: down - up }, (_, row) => (up + row) * width);
  const parts = rows.map((row) => values.subarray(row + first, row + last));
  const low = parts.reduce((least, part) => Math.min(least, ...part), Infinity);
  const high = parts.reduce((most, part) => Math.max(most, ...part), -Infinity);
  const cut = new Float32Array(values.length);
  parts.forEach((part, row) => cut.set(part.map((value) => (value - low) / (high - low || 1)), rows[row] + first));
  return cut;
}

function spanOf(first, last, side) {
  const start = Math.min(side - 1, Math.max(0, Math.floor(first)));
  return [start, Math.min(side, Math.max(start + 1, Math.ceil(last)))];
}
