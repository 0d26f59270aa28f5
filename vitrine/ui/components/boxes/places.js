// Where boxes lie, which one is meant by a point, and which ones are chosen. Places are shares of the picture's sides.

const FULL_TAG = 2600; // square pixels
const NUMBER_TAG = 600;
const LINE = 5; // pixels to either side of a chosen box's edge
const area = (box) => (box.right - box.left) * (box.bottom - box.top);

// The smallest box around a point, so that one inside another can be reached; null where there is none.
function boxAt(boxes, { x, y }, slack = 0) {
  const inside = (box) =>
    x >= box.left - slack && x <= box.right + slack && y >= box.top - slack && y <= box.bottom + slack;
  return boxes.filter(inside).reduce((best, box) => (!best || area(box) < area(best) ? box : best), null);
}

// The numbers that are chosen once one more is asked for: alone, or beside the others; again, and it is let go.
function chosenWith(chosen, number, beside, most) {
  if (!beside) return chosen.length === 1 && chosen[0] === number ? [] : [number];
  if (chosen.includes(number)) return chosen.filter((other) => other !== number);
  return [...chosen, number].slice(-most);
}

// The place in the list that a key leads to; null where it leads nowhere.
function stepped(at, count, key) {
  const steps = {
    ArrowRight: at + 1,
    ArrowDown: at + 1,
    ArrowLeft: at - 1,
    ArrowUp: at - 1,
    Home: 0,
    End: count - 1,
  };
  return key in steps && count ? (steps[key] + count) % count : null;
}

function spoken({ number, name, score, faint }) {
  return `${number}: ${name}, ${score}${faint ? ", below the threshold" : ""}`;
}

// How much of the tags is shown beside those that are looked at: "full", "number" or "none", for an area in pixels.
function tagsFor(count, area) {
  const most = area / 5;
  return count * FULL_TAG <= most ? "full" : count * NUMBER_TAG <= most ? "number" : "none";
}

// Where tags lie, in pixels of a stage: {shown, at, aside} of each box, `aside` being for the full tag of one that is
// looked at. A box has its sides in pixels, the widths of its full tag and of its number alone, and whether it is chosen.
// Chosen ones take their places first and are shown in full; a tag without a free place gives way to its number, or goes.
function placedTags(boxes, height, stage) {
  const most = tagsFor(boxes.length, stage.width * stage.height);
  const whole = { left: 0, top: 0, right: stage.width, bottom: stage.height };
  const [taken, found] = [[], new Map()];
  const place = (box) => {
    const wanted = !overlaps(box, whole) ? "none" : box.chosen ? "full" : most;
    found.set(box, placedTag(box, wanted, (width) => spots(box, width, height, stage), taken));
  };
  const chosen = boxes.filter((box) => box.chosen);
  chosen.forEach(place);
  taken.push(...chosen.flatMap(edges));
  boxes.filter((box) => !box.chosen).forEach(place);
  return boxes.map((box) => found.get(box));
}

// The lines of a chosen box, which other tags leave to be seen.
function edges({ left, top, right, bottom }) {
  const line = (x, y, toX, toY) => ({ left: x - LINE, top: y - LINE, right: toX + LINE, bottom: toY + LINE });
  return [line(left, top, right, top), line(left, bottom, right, bottom), line(left, top, left, bottom), line(right, top, right, bottom)];
}

function placedTag({ full, number, chosen }, wanted, spotsOf, taken) {
  const free = (places) => places.find((spot) => !taken.some((other) => overlaps(spot, other)));
  const aside = free(spotsOf(full)) ?? spotsOf(full)[0];
  const ways = { full: ["full", "number"], number: ["number"], none: [] }[wanted];
  for (const shown of ways) {
    const at = free(spotsOf(shown === "full" ? full : number)) ?? (chosen ? aside : null);
    if (!at) continue;
    taken.push(at);
    return { shown, at, aside };
  }
  return { shown: "none", at: aside, aside };
}

// The places for a tag at a box, the best first, each within the stage: above, inside, below, and at the sides.
function spots({ left, top, right, bottom }, width, height, stage) {
  const columns = [left, right - width, (left + right - width) / 2];
  const rows = [top - height, top, bottom, bottom - height];
  const wanted = [...rows.flatMap((y) => columns.map((x) => [x, y])), [right, top], [left - width, top]];
  const within = (place, side, longest) => Math.max(0, Math.min(place, longest - side));
  return wanted.map(([x, y]) => {
    const [near, high] = [within(x, width, stage.width), within(y, height, stage.height)];
    return { left: near, top: high, right: near + width, bottom: high + height };
  });
}

function overlaps(one, other) {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}
