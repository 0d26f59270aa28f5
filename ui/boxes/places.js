// Where boxes lie, which one is meant by a point, and which ones are chosen. Places are shares of the picture's sides.

const FULL_TAG = 2600; // square pixels
const NUMBER_TAG = 600;
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
