// Draws each plot of the page from the data beside it. uPlot, above, is the only thing it needs.
"use strict";
const style = getComputedStyle(document.documentElement);
const color = (name) => style.getPropertyValue(`--${name}`).trim();
const lines = ["line-a", "line-b", "line-c", "line-d", "line-e", "line-f"].map(color);
const short = (value) => value == null ? "–" : Math.abs(value) >= 1e9 ? (value / 1e9).toPrecision(3) + " G"
  : Math.abs(value) >= 1e6 ? (value / 1e6).toPrecision(3) + " M" : Math.abs(value) >= 1e4 ? (value / 1e3).toPrecision(3) + " k"
  : String(+value.toPrecision(3));

function marks(plot) {
  return { hooks: { draw: [(u) => {
    const pen = u.ctx, ratio = devicePixelRatio;
    pen.save();
    pen.font = `${11 * ratio}px system-ui, sans-serif`;
    pen.textAlign = "right";
    pen.setLineDash([4 * ratio, 3 * ratio]);
    for (const mark of plot.marks) {
      const y = u.valToPos(mark.value, mark.right ? "right" : "y", true);
      if (!(y >= u.bbox.top && y <= u.bbox.top + u.bbox.height)) continue;
      pen.strokeStyle = pen.fillStyle = color("mark");
      pen.beginPath(); pen.moveTo(u.bbox.left, y); pen.lineTo(u.bbox.left + u.bbox.width, y); pen.stroke();
      pen.fillText(mark.label, u.bbox.left + u.bbox.width - 4 * ratio, y - 4 * ratio);
    }
    pen.restore();
  }] } };
}

// From zero, and as far as the highest value or the lowest mark above it that is near enough to be seen.
const range = (plot, right) => (u, low, high) => {
  const near = plot.marks.filter((m) => m.right === right && (high == null || m.value <= 3 * Math.max(high, 1e-9))).map((m) => m.value);
  const most = Math.max(high ?? 0, ...near);
  return [Math.min(low ?? 0, 0), most > 0 ? most * 1.1 : 1];
};

function draw(figure) {
  const plot = JSON.parse(figure.querySelector("script").textContent);
  const box = figure.querySelector(".plot"), right = plot.lines.some((line) => line.right);
  const axis = { stroke: color("soft"), grid: { stroke: color("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
  const chart = new uPlot({
    width: box.clientWidth, height: 190, plugins: [marks(plot)],
    cursor: { sync: { key: "page" }, points: { size: 6 } },
    scales: { x: { range: () => [plot.from, plot.to] }, y: { range: range(plot, false) }, right: { range: range(plot, true) } },
    axes: [{ ...axis }, { ...axis, size: 52, values: (u, ticks) => ticks.map(short) },
      ...(right ? [{ ...axis, side: 1, scale: "right", size: 52, grid: { show: false }, values: (u, ticks) => ticks.map(short) }] : [])],
    series: [{ value: (u, at) => at == null ? "" : new Date(at * 1000).toLocaleTimeString() },
      ...plot.lines.map((line, number) => ({ label: line.label + (line.right ? " →" : ""), scale: line.right ? "right" : "y",
        stroke: lines[number % lines.length], width: 1.5, value: (u, value) => short(value) }))],
  }, [plot.times, ...plot.values], box);
  new ResizeObserver(() => chart.setSize({ width: box.clientWidth, height: 190 })).observe(box);
}
document.querySelectorAll("figure.lines").forEach(draw);
