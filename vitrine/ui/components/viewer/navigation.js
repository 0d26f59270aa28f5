// Zoom, pan and the probed pixel, shared by all panes. Shifts are shares of a pane's side, so panes of any size agree.

const CLOSEST = 40;

class Navigation {
  constructor(changed, probed) {
    this.zoom = 1;
    this.x = this.y = 0;
    this.probe = null; // {x, y}: shares of the picture's sides, from 0 to 1
    this.changed = changed;
    this.probed = probed;
  }

  zoomBy(factor, x = 0.5, y = 0.5) {
    const zoom = Math.min(CLOSEST, Math.max(1, this.zoom * factor));
    this.x = x - ((x - this.x) * zoom) / this.zoom;
    this.y = y - ((y - this.y) * zoom) / this.zoom;
    this.zoom = zoom;
    this.panBy(0, 0);
  }

  panBy(dx, dy) {
    const within = (shift) => Math.min(0, Math.max(1 - this.zoom, shift));
    this.x = within(this.x + dx);
    this.y = within(this.y + dy);
    this.changed();
  }

  reset() {
    this.zoom = 1;
    this.panBy(0, 0);
  }

  pointAt(x, y) {
    return { x: (x - this.x) / this.zoom, y: (y - this.y) / this.zoom };
  }

  probeAt(point) {
    const inside = point && point.x >= 0 && point.x < 1 && point.y >= 0 && point.y < 1;
    this.probe = inside ? point : null;
    this.probed();
  }

  // Lets a pane be dragged, pinched, scrolled and steered with keys; pick(point, event) follows a click.
  steer(stage, size, pick) {
    const pointers = new Map();
    let moved = 0;
    const share = (event) => {
      const box = stage.getBoundingClientRect();
      return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
    };
    stage.addEventListener("pointerdown", (event) => {
      if (pointers.size === 0) moved = 0;
      pointers.set(event.pointerId, share(event));
      stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener("pointermove", (event) => {
      const now = share(event);
      const before = pointers.get(event.pointerId);
      if (before) {
        moved += Math.hypot(now.x - before.x, now.y - before.y);
        this.drag(pointers, event.pointerId, now);
      }
      this.probeAt(this.pointAt(now.x, now.y));
    });
    stage.addEventListener("pointerup", (event) => {
      const now = share(event);
      if (pointers.size === 1 && moved < 0.01) pick(this.pointAt(now.x, now.y), event);
      pointers.delete(event.pointerId);
    });
    stage.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
    stage.addEventListener("pointerleave", () => this.probeAt(null));
    stage.addEventListener("wheel", (event) => this.wheel(event, share(event)), { passive: false });
    stage.addEventListener("keydown", (event) => this.key(event, size()));
  }

  drag(pointers, id, now) {
    const before = pointers.get(id);
    const other = [...pointers].find(([key]) => key !== id)?.[1];
    pointers.set(id, now);
    if (!other) return this.panBy(now.x - before.x, now.y - before.y);
    const apart = (point) => Math.hypot(point.x - other.x, point.y - other.y);
    this.panBy((now.x - before.x) / 2, (now.y - before.y) / 2);
    return this.zoomBy(apart(now) / Math.max(apart(before), 1e-3), (now.x + other.x) / 2, (now.y + other.y) / 2);
  }

  wheel(event, at) {
    if (event.deltaY > 0 && this.zoom === 1) return; // the page scrolls on
    event.preventDefault();
    this.zoomBy(2 ** (-Math.sign(event.deltaY) * Math.min(0.5, Math.abs(event.deltaY) / 200)), at.x, at.y);
  }

  key(event, { height, width }) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const keys = {
      "+": () => this.zoomBy(1.25),
      "=": () => this.zoomBy(1.25),
      "-": () => this.zoomBy(0.8),
      0: () => this.reset(),
      Escape: () => this.probeAt(null),
    };
    const arrow = arrows[event.key];
    if (arrow && event.shiftKey) this.panBy(-0.1 * arrow[0], -0.1 * arrow[1]);
    else if (arrow) this.probeStep(arrow[0] / width, arrow[1] / height);
    else if (keys[event.key] && !event.ctrlKey && !event.metaKey) keys[event.key]();
    else return;
    event.preventDefault();
  }

  probeStep(dx, dy) {
    const from = this.probe ?? this.pointAt(0.5, 0.5);
    const within = (share) => Math.min(1 - 1e-6, Math.max(0, share));
    this.probeAt({ x: within(from.x + dx), y: within(from.y + dy) });
  }
}
