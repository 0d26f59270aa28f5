// The picture of a spectrum: log magnitude with frequency zero in the middle, what a low-pass cuts dimmed.

const SPECTRUM_SIDE = 448;
const BRIGHT = palettes.viridis;
const DIM = palette("viridis", 0.4);

// Draws and returns the shares of the frequencies and of the power (frequency zero left out) that lie within the cut.
function paintSpectrum(canvas, spectrum, cut) {
  const { width, height } = spectrum;
  const small = new OffscreenCanvas(width, height);
  const image = new ImageData(width, height);
  const share = fillSpectrum(new Uint32Array(image.data.buffer), spectrum, cut);
  small.getContext("2d").putImageData(image, 0, 0);
  const side = SPECTRUM_SIDE / Math.max(width, height);
  resize(canvas, Math.round(width * side), Math.round(height * side));
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  drawCircle(context, (Math.floor(width / 2) + 0.5) * side, (Math.floor(height / 2) + 0.5) * side, (cut + 0.5) * side);
  return share;
}

function fillSpectrum(pixels, spectrum, cut) {
  const { re, im, width, height } = spectrum;
  const levels = levelsOf(spectrum);
  const [middle, centre] = [Math.floor(height / 2), Math.floor(width / 2)];
  const ups = Float64Array.from({ length: height }, (_, u) => frequency(u, height));
  let [keptCount, keptPower, power] = [0, 0, 0];
  for (let v = 0; v < width; v++) {
    const across = frequency(v, width);
    for (let u = 0; u < height; u++) {
      const at = v * height + u;
      const inside = Math.sqrt(across * across + ups[u] * ups[u]) <= cut;
      const here = at === 0 ? 0 : re[at] * re[at] + im[at] * im[at];
      power += here;
      keptPower += inside ? here : 0;
      keptCount += inside ? 1 : 0;
      pixels[(ups[u] + middle) * width + across + centre] = (inside ? BRIGHT : DIM)[levels[at]] | OPAQUE;
    }
  }
  return { frequencies: keptCount / (width * height), power: power ? keptPower / power : 1 };
}

// Five decades below the strongest frequency are told apart; kept with the spectrum, as they do not depend on the cut.
function levelsOf(spectrum) {
  if (spectrum.levels) return spectrum.levels;
  const { re, im } = spectrum;
  const powers = re.map((value, i) => value * value + im[i] * im[i]);
  const floor = extent(powers)[1] * 1e-10 || 1e-60;
  const logs = powers.map((value) => Math.log(Math.max(value, floor)));
  const [low, high] = extent(logs);
  spectrum.levels = Uint8Array.from(logs, (value) => Math.round((255 * (value - low)) / (high - low || 1)));
  return spectrum.levels;
}

function drawCircle(context, x, y, radius) {
  for (const [style, width] of [["#000", 5], ["#fff", 2]]) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.strokeStyle = style;
    context.lineWidth = width;
    context.stroke();
  }
}
