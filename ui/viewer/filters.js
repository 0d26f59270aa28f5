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
