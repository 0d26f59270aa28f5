// The picture of a spectrum: log magnitude with frequency zero in the middle, what a low-pass cuts dimmed.

const SPECTRUM_SIDE = 448;
const DIMMED = 0.4;

// Draws and returns the shares of the frequencies and of the power (frequency zero left out) that lie within the cut.
function paintSpectrum(canvas, spectrum, cut) {
  const { width, height } = spectrum;
  const small = new OffscreenCanvas(width, height);
  const image = new ImageData(width, height);
  const share = fillSpectrum(image.data, spectrum, cut);
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
  const table = tables.viridis;
  const levels = logMagnitudes(spectrum);
  const [low, high] = extent(levels);
  const total = { frequencies: width * height, power: 0 };
  const kept = { frequencies: 0, power: 0 };
  for (let v = 0; v < width; v++) {
    for (let u = 0; u < height; u++) {
      const at = v * height + u;
      const [across, up] = [frequency(v, width), frequency(u, height)];
      const inside = Math.sqrt(across * across + up * up) <= cut;
      const power = at === 0 ? 0 : re[at] * re[at] + im[at] * im[at];
      total.power += power;
      kept.frequencies += inside;
      kept.power += inside ? power : 0;
      const entry = 3 * Math.round((255 * (levels[at] - low)) / (high - low || 1));
      const pixel = 4 * ((up + Math.floor(height / 2)) * width + across + Math.floor(width / 2));
      for (let channel = 0; channel < 3; channel++) {
        pixels[pixel + channel] = table[entry + channel] * (inside ? 1 : DIMMED);
      }
      pixels[pixel + 3] = 255;
    }
  }
  return { frequencies: kept.frequencies / total.frequencies, power: total.power ? kept.power / total.power : 1 };
}

// Five decades below the strongest frequency are told apart; kept with the spectrum, as they do not depend on the cut.
function logMagnitudes(spectrum) {
  if (spectrum.levels) return spectrum.levels;
  const magnitudes = spectrum.re.map((value, i) => Math.hypot(value, spectrum.im[i]));
  const floor = extent(magnitudes)[1] * 1e-5 || 1e-30;
  spectrum.levels = magnitudes.map((value) => Math.log10(Math.max(value, floor)));
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
