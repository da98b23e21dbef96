'use strict';
// Charts with axes. One function for each type of panel: (panel, series, size, view) => HTML. series is a list of
// {name, ref, points: [[ms, value]…], exemplars: [[ms, value]…]}; view has start, end (ms) and step (ms).

const axis = { left: 52, bottom: 18, top: 6, right: 4 };

function niceTicks(low, high, n) {
  const raw = (high - low) / n || 1, mag = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * mag).find((s) => s >= raw);
  const out = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step * 1e-6; v += step) out.push(v);
  return out;
}

// secondTicks and byteTicks are steps that people count in.
function secondTicks(low, high, n) {
  const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400].find((s) => s >= (high - low) / n);
  if (high < 4 || !step) return niceTicks(low, high, n);
  const out = [];
  for (let v = Math.ceil(low / step) * step; v <= high; v += step) out.push(v);
  return out;
}

function byteTicks(high, n) {
  let step = 1;
  while (step < high / n) step *= 2;
  return Array.from({ length: Math.floor(high / step) + 1 }, (_, i) => i * step);
}

function timeTicks(view, width) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720].map((m) => m * 60e3);
  const step = steps.find((s) => (view.end - view.start) / s <= width / 70) || 86400e3;
  const out = [];
  for (let t = Math.ceil(view.start / step) * step; t <= view.end; t += step) out.push(t);
  return out;
}
const clip = (panel) => `clip${panel.id}`;
const clock = (t) => new Date(t).toISOString().slice(11, 16);

function frame(width, height, view, y, ticks, unit) {
  const x = (t) => axis.left + (t - view.start) / (view.end - view.start) * (width - axis.left - axis.right);
  let s = '';
  for (const v of ticks) s += `<line x1="${axis.left}" x2="${width - axis.right}" y1="${y(v)}" y2="${y(v)}" stroke="#2a2d34"/><text x="${axis.left - 5}" y="${y(v) + 4}" text-anchor="end">${show(v, unit)}</text>`;
  for (const t of timeTicks(view, width - axis.left)) if (x(t) < width - 15) s += `<line x1="${x(t)}" x2="${x(t)}" y1="${axis.top}" y2="${height - axis.bottom}" stroke="#22252b"/><text x="${x(t)}" y="${height - 4}" text-anchor="middle">${clock(t)}</text>`;
  return { x, svg: s };
}

// style is what defaults and overrides say of a series.
function style(panel, s, i) {
  const colourOf = (c) => (c.mode === 'shades' ? shade(colour(c.fixedColor), i) : colour(c.fixedColor));
  const out = { color: colourOf(panel.fieldConfig.defaults.color), dash: '' };
  const hit = {
    byName: (o) => o === s.name, byFrameRefID: (o) => o === s.ref, byRegexp: (o) => new RegExp(o.slice(1, -1)).test(s.name),
  };
  for (const o of panel.fieldConfig.overrides) {
    if (!hit[o.matcher.id](o.matcher.options)) continue;
    for (const p of o.properties) {
      if (p.id === 'color') out.color = colourOf(p.value);
      if (p.id === 'custom.lineStyle') out.dash = p.value.dash.join(' ');
    }
  }
  return out;
}

function timeseries(panel, series, size, view) {
  const d = panel.fieldConfig.defaults, c = d.custom, bars = c.drawStyle === 'bars', stacked = c.stacking.mode === 'normal';
  if (bars) { // the first bar would lie before the time shown
    series.forEach((q) => { q.points = q.points.filter(([t]) => t > view.start); });
    series = series.filter((q) => q.points.length);
  }
  const right = panel.options.legend.placement === 'right';
  // As in Grafana: a legend beside a chart is as wide as its names, up to three fifths; here up to two.
  const columnsWide = 58 * panel.options.legend.calcs.length, longest = Math.max(...series.map((s) => s.name.length));
  const side = Math.min(size.w * 0.48, Math.max(130, 42 + 7.1 * longest + columnsWide));
  const width = right ? Math.round(size.w - side) : size.w, height = right ? size.h : size.h - 20;
  const styles = series.map((s, i) => style(panel, s, i));
  const log = c.scaleDistribution && c.scaleDistribution.type === 'log';
  // Stacking needs the same times in all series; what is missing counts as nothing.
  const base = new Map();
  const drawn = series.map((s) => s.points.map(([t, v]) => {
    const from = stacked ? base.get(t) || 0 : 0;
    if (stacked) base.set(t, from + v);
    return [t, from, from + v];
  }));
  const all = drawn.flat();
  let high = Math.max(...all.map((p) => p[2])), low = Math.min(d.min ?? Infinity, ...all.map((p) => p[2]));
  if (d.max !== undefined) high = d.max;
  if (high === low) high = low + 1;
  high += (high - low) * (d.max === undefined ? 0.06 : 0);
  if (log) low = Math.max(low, 0.1);
  const scale = (v) => log ? (Math.log(Math.max(v, low)) - Math.log(low)) / (Math.log(high) - Math.log(low)) : (v - low) / (high - low);
  const y = (v) => axis.top + (1 - scale(v)) * (height - axis.top - axis.bottom);
  const ticks = log ? [0.1, 0.3, 1, 3, 10, 30, 60, 300, 900, 3600, 10800, 86400].filter((v) => v >= low && v <= high) : d.unit === 's' ? secondTicks(low, high, 5) : d.unit === 'bytes' ? byteTicks(high, 5) : niceTicks(low, high, 5);
  const { x, svg } = frame(width, height, view, y, ticks, d.unit);
  let s = `${svg}<clipPath id="${clip(panel)}"><rect x="${axis.left}" y="0" width="${width - axis.left}" height="${height}"/></clipPath><g clip-path="url(#${clip(panel)})">`;
  if (c.thresholdsStyle.mode === 'dashed') {
    for (const t of d.thresholds.steps) if (t.value !== null && t.value < high) s += `<line x1="${axis.left}" x2="${width}" y1="${y(t.value)}" y2="${y(t.value)}" stroke="${colour(t.color)}" stroke-dasharray="6 4"/>`;
  }
  const barWidth = view.step / (view.end - view.start) * (width - axis.left - axis.right) * 0.85;
  drawn.forEach((points, i) => {
    const { color, dash } = styles[i];
    if (bars) {
      for (const [t, from, to] of points) s += `<rect x="${x(t) - barWidth}" width="${barWidth}" y="${y(to)}" height="${Math.max(0, y(from) - y(to))}" fill="${color}" fill-opacity="0.85"/>`;
      return;
    }
    // A line ends where its values do; a value between two gaps is a point.
    const pieces = [];
    points.forEach((p, n) => {
      if (!n || (!c.spanNulls && p[0] - points[n - 1][0] > view.step * 1.5)) pieces.push([]);
      pieces[pieces.length - 1].push(p);
    });
    for (const piece of pieces) {
      const path = piece.map(([t, , v], n) => `${n ? 'L' : 'M'}${x(t).toFixed(1)} ${y(v).toFixed(1)}`).join('');
      if (stacked) {
        const back = [...piece].reverse().map(([t, from]) => `L${x(t).toFixed(1)} ${y(from).toFixed(1)}`).join('');
        s += `<path d="${path}${back}Z" fill="${color}" fill-opacity="0.6"/>`;
      }
      s += `<path d="${path}" fill="none" stroke="${color}" stroke-width="${stacked ? 1 : 1.8}" stroke-dasharray="${dash}"/>`;
      if (piece.length === 1) s += `<circle cx="${x(piece[0][0])}" cy="${y(piece[0][2])}" r="2" fill="${color}"/>`;
    }
    for (const [t, v] of series[i].exemplars || []) if (v <= high) s += `<rect x="-2.6" y="-2.6" width="5.2" height="5.2" fill="${color}" fill-opacity="0.65" transform="translate(${x(t)} ${y(v)}) rotate(45)"/>`;
  });
  const chart = `<svg width="${width}" height="${height}">${s}</g></svg>`;
  const last = (p) => p.length ? p[p.length - 1][1] : NaN;
  const calcs = { lastNotNull: ['last', last], max: ['max', (p) => Math.max(...p.map((q) => q[1]))], mean: ['mean', (p) => p.reduce((sum, q) => sum + q[1], 0) / p.length] };
  if (!right) return `<div class="chart below">${chart}<div class="legend">${series.map((q, i) => `<span><i class="swatch" style="background:${styles[i].color}"></i>${esc(q.name)}</span>`).join('')}</div></div>`;
  const columns = panel.options.legend.calcs.map((k) => calcs[k]);
  const rows = series.map((q, i) => ({ i, name: q.name, values: columns.map(([, f]) => f(q.points)) })).sort((a, b) => b.values[0] - a.values[0]);
  return `<div class="chart">${chart}<div class="legend" style="--side:${columnsWide}px"><table><tr><td></td>${columns.map(([n]) => `<td class="n">${n}</td>`).join('')}</tr>${rows.map((r) => `<tr><td><i class="swatch" style="background:${styles[r.i].color}"></i>${esc(r.name)}</td>${r.values.map((v) => `<td class="n">${show(v, d.unit, d.decimals)}</td>`).join('')}</tr>`).join('')}</table></div></div>`;
}

function heatmap(panel, series, size, view) {
  const rows = series.map((s) => ({ le: s.metric.le === '+Inf' ? Infinity : +s.metric.le, points: new Map(s.points) })).sort((a, b) => a.le - b.le);
  // Classic buckets are cumulative: each row less the one below.
  const times = [...new Set(series.flatMap((s) => s.points.map((p) => p[0])))].sort((a, b) => a - b);
  const cells = rows.map((r, i) => times.map((t) => Math.max(0, (r.points.get(t) || 0) - (i ? rows[i - 1].points.get(t) || 0 : 0))));
  const used = cells.map((c, i) => c.some((v) => v > 0.5) ? i : -1).filter((i) => i >= 0);
  const first = Math.max(0, Math.min(...used) - 1), end = Math.min(rows.length - 1, Math.max(...used) + 1);
  const top = Math.max(...cells.flat()), n = end - first + 1, h = (size.h - axis.top - axis.bottom) / n;
  const y = (i) => axis.top + (end - i) * h;
  const { x, svg } = frame(size.w, size.h, view, y, [], 's');
  let s = `${svg}<clipPath id="${clip(panel)}"><rect x="${axis.left}" y="0" width="${size.w - axis.left}" height="${size.h}"/></clipPath>`;
  const w = view.step / (view.end - view.start) * (size.w - axis.left - axis.right);
  for (let i = first; i <= end; i++) {
    s += `<text x="${axis.left - 5}" y="${y(i) + 4}" text-anchor="end">${rows[i].le === Infinity ? '+Inf' : seconds(rows[i].le)}</text>`;
    times.forEach((t, k) => {
      const v = cells[i][k];
      if (v < 0.5) return;
      const p = Math.sqrt(v / top);
      s += `<rect clip-path="url(#${clip(panel)})" x="${x(t) - w + 0.5}" y="${y(i) + 0.5}" width="${w - 1}" height="${h - 1}" fill="rgb(${Math.round(60 + 195 * p)},${Math.round(35 + 150 * p)},${Math.round(20 + 60 * p)})"/>`;
    });
  }
  return `<svg width="${size.w}" height="${size.h}">${s}</svg>`;
}
