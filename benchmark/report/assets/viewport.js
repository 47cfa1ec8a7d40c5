// One place and one magnification for many pictures: whatever moves one of them moves all.

/** @param size {w, h} of the image in pixels @param moved called after each change */
function viewport(size, moved) {
  const ports = [];
  const place = { x: Number(state.x), y: Number(state.y), z: Number(state.z) };
  const most = Math.max(8, size.w / 8);

  function port(label, layers) {
    const node = el("div", { class: "port", tabindex: "0", role: "group", "aria-label": `${label}: arrow keys move, plus and minus zoom, 0 shows the whole image` }, layers);
    node.style.setProperty("aspect-ratio", `${size.w} / ${size.h}`);
    node.style.setProperty("--aspect", (size.w / size.h).toFixed(4));
    for (const image of node.querySelectorAll("img")) { image.width = size.w; image.height = size.h; }
    listen(node);
    ports.push(node);
    watch.observe(node);
    return node;
  }

  const watch = new ResizeObserver(() => show());

  function visible(node) {
    const { width, height } = box(node);
    const scale = (width / size.w) * place.z;
    return { scale, w: Math.min(size.w, width / scale), h: Math.min(size.h, height / scale) };
  }

  const box = (node) => ({ width: node.clientWidth || 1, height: node.clientHeight || 1 });

  function settle() {
    place.z = Math.min(most, Math.max(1, Number.isFinite(place.z) ? place.z : 1));
    const node = ports[0];
    if (!node) return;
    const seen = visible(node);
    for (const [axis, side, whole] of [["x", seen.w, size.w], ["y", seen.h, size.h]]) {
      const half = side / whole / 2;
      const value = Number.isFinite(place[axis]) ? place[axis] : 0.5;
      place[axis] = half >= 0.5 ? 0.5 : Math.min(1 - half, Math.max(half, value));
    }
  }

  function show() {
    settle();
    for (const node of ports) {
      const { width, height } = box(node);
      const { scale } = visible(node);
      const left = width / 2 - place.x * size.w * scale;
      const top = height / 2 - place.y * size.h * scale;
      for (const layer of node.querySelectorAll(".layer")) {
        layer.style.setProperty("transform", `translate(${left.toFixed(2)}px, ${top.toFixed(2)}px) scale(${scale.toFixed(5)})`);
      }
      node.style.setProperty("--thin", `${(1.5 / scale).toFixed(4)}px`);
      node.classList.toggle("sharp", scale > 1);
    }
    moved(rectangle());
  }

  /** What is visible, in pixels of the image. */
  function rectangle() {
    const seen = ports.length ? visible(ports[0]) : { w: size.w, h: size.h };
    return { x: place.x * size.w - seen.w / 2, y: place.y * size.h - seen.h / 2, w: seen.w, h: seen.h, whole: place.z === 1 && seen.h >= size.h - 0.5 };
  }

  function go(values) {
    Object.assign(place, values);
    show();
    change({ x: +place.x.toFixed(6), y: +place.y.toFixed(6), z: +place.z.toFixed(4) }, true);
  }

  /** Magnify around a point of a port, given in its pixels. */
  function zoomAt(node, factor, px, py) {
    const { width, height } = box(node);
    const before = visible(node).scale;
    const z = Math.min(most, Math.max(1, place.z * factor));
    const after = (width / size.w) * z;
    const u = place.x * size.w + (px - width / 2) / before;
    const v = place.y * size.h + (py - height / 2) / before;
    go({ z, x: (u - (px - width / 2) / after) / size.w, y: (v - (py - height / 2) / after) / size.h });
  }

  const zoom = (factor) => ports.length && zoomAt(ports[0], factor, box(ports[0]).width / 2, box(ports[0]).height / 2);

  function pan(node, dx, dy) {
    const { scale } = visible(node);
    go({ x: place.x - dx / scale / size.w, y: place.y - dy / scale / size.h });
  }

  function listen(node) {
    const fingers = new Map();
    node.addEventListener("wheel", (event) => {
      event.preventDefault();
      const at = node.getBoundingClientRect();
      zoomAt(node, Math.exp(-Math.max(-120, Math.min(120, event.deltaY)) / 300), event.clientX - at.left, event.clientY - at.top);
    }, { passive: false });
    node.addEventListener("pointerdown", (event) => {
      if (event.target.closest(".handle")) return;
      node.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
    });
    node.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      const others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
      if (others.length) {
        const at = node.getBoundingClientRect();
        const reach = (point) => Math.hypot(point[0] - others[0][0], point[1] - others[0][1]) || 1;
        const now = [event.clientX, event.clientY];
        zoomAt(node, reach(now) / reach(before), (now[0] + others[0][0]) / 2 - at.left, (now[1] + others[0][1]) / 2 - at.top);
      } else {
        pan(node, event.clientX - before[0], event.clientY - before[1]);
      }
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
    });
    for (const end of ["pointerup", "pointercancel"]) node.addEventListener(end, (event) => fingers.delete(event.pointerId));
    node.addEventListener("dblclick", (event) => {
      const at = node.getBoundingClientRect();
      zoomAt(node, 2, event.clientX - at.left, event.clientY - at.top);
    });
    node.addEventListener("keydown", (event) => {
      if (event.target !== node || event.ctrlKey || event.metaKey || event.altKey) return;
      const step = box(node).width / 10;
      const moves = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
      if (moves[event.key]) pan(node, ...moves[event.key]);
      else if (event.key === "+" || event.key === "=") zoom(1.5);
      else if (event.key === "-") zoom(1 / 1.5);
      else if (event.key === "0") go({ x: 0.5, y: 0.5, z: 1 });
      else return;
      event.preventDefault();
    });
  }

  /** Show a square of the image as large as the ports allow. */
  function frame(crop) {
    const node = ports[0];
    const { width, height } = box(node);
    const scale = Math.min(width, height) / crop.side;
    go({ z: (scale * size.w) / width, x: (crop.x + crop.side / 2) / size.w, y: (crop.y + crop.side / 2) / size.h });
  }

  return { port, show, zoom, frame, whole: () => go({ x: 0.5, y: 0.5, z: 1 }), stop: () => watch.disconnect() };
}
