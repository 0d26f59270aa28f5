// Reads what Python packed: header length (uint32), header (JSON), photo (JPEG), maps and standard errors (uint16).

function unpacked(data) {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const start = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) + 4;
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, start)));
  let at = start + header.photo.bytes;
  const photo = bytes.subarray(start, at);
  const numbers = ({ low, high }, count) => {
    const levels = new Uint16Array(bytes.slice(at, (at += 2 * count)).buffer);
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = low + ((high - low) * levels[i]) / 65535;
    return values;
  };
  const panels = header.panels.map((panel) => {
    const count = panel.height * panel.width;
    const values = numbers(panel.map, count);
    return { ...panel, values, errors: panel.error && numbers(panel.error, count) };
  });
  return { ...header, photoBytes: photo, panels };
}
