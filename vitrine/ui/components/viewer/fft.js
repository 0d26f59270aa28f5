// Discrete Fourier transform along the first axis of (length, columns) arrays, real and imaginary parts apart.
// Stockham's self-sorting scheme over prime radices; Bluestein's convolution where a prime is large.

const LARGEST_RADIX = 31;
const transforms = new Map();

function transformOf(length) {
  if (!transforms.has(length)) {
    const radices = primeFactors(length);
    const plain = Math.max(1, ...radices) <= LARGEST_RADIX;
    transforms.set(length, plain ? new Stockham(length, radices) : new Bluestein(length));
  }
  return transforms.get(length);
}

function primeFactors(number) {
  const found = [];
  for (let prime = 2; number > 1; prime++) {
    for (; number % prime === 0; number /= prime) found.push(prime);
  }
  return found;
}

class Stockham {
  constructor(length, radices) {
    this.length = length;
    this.radices = radices;
    const angles = Float64Array.from({ length }, (_, k) => (2 * Math.PI * k) / length);
    this.cosines = angles.map(Math.cos);
    this.sines = angles.map(Math.sin);
  }

  // Returns {re, im}; sign -1 is the forward transform, +1 the inverse without its 1/length.
  run(re, im, columns, sign) {
    let from = { re, im };
    let to = emptyComplex(re.length);
    let spare = null;
    let left = this.length;
    let stride = 1;
    for (const radix of this.radices) {
      left /= radix;
      this.pass(from, to, { radix, left, stride, columns, sign });
      stride *= radix;
      spare ??= this.radices.length > 1 ? emptyComplex(re.length) : null;
      [from, to] = [to, from.re === re ? spare : from];
    }
    return from;
  }

  pass(from, to, { radix, left, stride, columns, sign }) {
    const run = stride * columns;
    const { length, cosines, sines } = this;
    const twiddle = length / (left * radix);
    const root = length / radix;
    for (let p = 0; p < left; p++) {
      for (let j = 0; j < radix; j++) {
        const target = run * (radix * p + j);
        for (let k = 0; k < radix; k++) {
          const turn = (twiddle * p * j + root * j * k) % length;
          addScaled(from, run * (p + k * left), to, target, run, cosines[turn], sign * sines[turn], k === 0);
        }
      }
    }
  }
}

function addScaled(from, source, to, target, count, c, s, first) {
  const { re, im } = from;
  const { re: outRe, im: outIm } = to;
  for (let q = 0; q < count; q++) {
    const a = re[source + q];
    const b = im[source + q];
    outRe[target + q] = (first ? 0 : outRe[target + q]) + a * c - b * s;
    outIm[target + q] = (first ? 0 : outIm[target + q]) + a * s + b * c;
  }
}

class Bluestein {
  constructor(length) {
    this.length = length;
    this.padded = 2 ** Math.ceil(Math.log2(2 * length - 1));
    this.inner = transformOf(this.padded);
    const angles = Float64Array.from({ length }, (_, k) => (Math.PI * ((k * k) % (2 * length))) / length);
    this.chirp = { re: angles.map(Math.cos), im: angles.map(Math.sin) };
    this.kernels = new Map([-1, 1].map((sign) => [sign, this.kernel(sign)]));
  }

  kernel(sign) {
    const { re, im } = emptyComplex(this.padded);
    for (let k = 0; k < this.length; k++) {
      for (const at of [k, (this.padded - k) % this.padded]) {
        re[at] = this.chirp.re[k];
        im[at] = -sign * this.chirp.im[k];
      }
    }
    return this.inner.run(re, im, 1, -1);
  }

  run(re, im, columns, sign) {
    const chirped = emptyComplex(this.padded * columns);
    multiplyRows({ re, im }, chirped, this.length, columns, this.chirp, sign);
    const spectrum = this.inner.run(chirped.re, chirped.im, columns, -1);
    multiplyRows(spectrum, spectrum, this.padded, columns, this.kernels.get(sign), 1, 1 / this.padded);
    const back = this.inner.run(spectrum.re, spectrum.im, columns, 1);
    const out = emptyComplex(this.length * columns);
    multiplyRows(back, out, this.length, columns, this.chirp, sign);
    return out;
  }
}

function multiplyRows(from, to, rows, columns, factor, sign, scale = 1) {
  for (let row = 0; row < rows; row++) {
    const c = factor.re[row] * scale;
    const s = factor.im[row] * scale * sign;
    addScaled(from, row * columns, to, row * columns, columns, c, s, true);
  }
}

function emptyComplex(count) {
  return { re: new Float64Array(count), im: new Float64Array(count) };
}

function transposed(values, rows, columns) {
  const out = new Float64Array(values.length);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) out[x * rows + y] = values[y * columns + x];
  }
  return out;
}

// Spectrum of a real map (height, width), laid out (width, height): column frequency first.
function spectrumOf(values, height, width) {
  const down = transformOf(height).run(Float64Array.from(values), new Float64Array(values.length), width, -1);
  const re = transposed(down.re, height, width);
  const im = transposed(down.im, height, width);
  return { ...transformOf(width).run(re, im, height, -1), height, width };
}

// The signed whole-number frequency at an index, as numpy's fftfreq(n) * n.
function frequency(index, length) {
  return index < Math.ceil(length / 2) ? index : index - length;
}

// Inverse transform, real, of the frequencies with sqrt(u^2 + v^2) <= cut; all others count as zero.
function lowPassed(spectrum, cut) {
  const { height, width } = spectrum;
  const kept = [...Array(height).keys()].filter((u) => Math.abs(frequency(u, height)) <= cut);
  const disc = discOf(spectrum, kept, cut);
  const rows = transformOf(width).run(disc.re, disc.im, kept.length, 1);
  return realColumns(rows, kept, height, width).map((value) => value / (height * width));
}

function discOf({ re, im, height, width }, kept, cut) {
  const disc = emptyComplex(width * kept.length);
  const ups = kept.map((u) => frequency(u, height));
  for (let v = 0; v < width; v++) {
    const across = frequency(v, width);
    for (let i = 0; i < kept.length; i++) {
      if (Math.sqrt(ups[i] * ups[i] + across * across) > cut) continue;
      disc.re[v * kept.length + i] = re[v * height + kept[i]];
      disc.im[v * kept.length + i] = im[v * height + kept[i]];
    }
  }
  return disc;
}

// Columns come out real, so two at a time go through the inverse transform as one complex column.
function realColumns({ re, im }, kept, height, width) {
  const half = Math.ceil(width / 2);
  const pairs = emptyComplex(height * half);
  for (let x = 0; x < half; x++) {
    for (let i = 0; i < kept.length; i++) {
      const left = x * kept.length + i;
      const right = x + half < width ? left + half * kept.length : -1;
      pairs.re[kept[i] * half + x] = re[left] - (right < 0 ? 0 : im[right]);
      pairs.im[kept[i] * half + x] = im[left] + (right < 0 ? 0 : re[right]);
    }
  }
  const back = transformOf(height).run(pairs.re, pairs.im, half, 1);
  const out = new Float64Array(height * width);
  for (let y = 0; y < height; y++) {
    out.set(back.re.subarray(y * half, (y + 1) * half), y * width);
    out.set(back.im.subarray(y * half, y * half + width - half), y * width + half);
  }
  return out;
}
