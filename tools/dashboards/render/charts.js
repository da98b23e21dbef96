'use strict';
// One function for each type of panel: (panel, series, size, view) => HTML. series is a list of
// {name, ref, points: [[ms, value]…], exemplars: [[ms, value]…]}; view has start, end (ms) and step (ms).

const axis = { left: 52, bottom: 18, top: 6, right: 4 };

function niceTicks(low, high, n) {
  const raw = (high - low) / n || 1, mag = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * mag).find((s) => s >= raw);
  const out = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step * 1e-6; v += step) out.push(v);
  return out;
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
  for (const t of timeTicks(view, width - axis.left)) s += `<line x1="${x(t)}" x2="${x(t)}" y1="${axis.top}" y2="${height - axis.bottom}" stroke="#22252b"/><text x="${x(t)}" y="${height - 4}" text-anchor="middle">${clock(t)}</text>`;
  return { x, svg: s };
}

// style is what defaults and overrides say of a series.
function style(panel, s, i) {
  const out = { color: palette[i % palette.length], dash: '' };
  for (const o of panel.fieldConfig.overrides) {
    const hit = o.matcher.id === 'byName' ? o.matcher.options === s.name : o.matcher.id === 'byFrameRefID' && o.matcher.options === s.ref;
    if (!hit) continue;
    for (const p of o.properties) {
      if (p.id === 'color') out.color = colour(p.value.fixedColor);
      if (p.id === 'custom.lineStyle') out.dash = p.value.dash.join(' ');
    }
  }
  return out;
}

function timeseries(panel, series, size, view) {
  const d = panel.fieldConfig.defaults, c = d.custom, bars = c.drawStyle === 'bars', stacked = c.stacking.mode === 'normal';
  const right = panel.options.legend.placement === 'right';
  const width = right ? Math.round(size.w * 0.64) : size.w, height = right ? size.h : size.h - 20;
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
  const ticks = log ? [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3600, 10800, 86400].filter((v) => v >= low && v <= high) : niceTicks(low, high, 5);
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
    // A stacked series that pauses drops to its base; a line goes on to its next value.
    const broken = (n) => !n || (!c.spanNulls && points[n][0] - points[n - 1][0] > view.step * 1.5);
    const path = points.map(([t, , v], n) => `${broken(n) ? 'M' : 'L'}${x(t).toFixed(1)} ${y(v).toFixed(1)}`).join('');
    if (!c.spanNulls) points.forEach(([t, , v], n) => { if (broken(n) && (n + 1 === points.length || broken(n + 1))) s += `<circle cx="${x(t)}" cy="${y(v)}" r="2" fill="${color}"/>`; });
    if (stacked && points.length) {
      const back = [...points].reverse().map(([t, from]) => `L${x(t).toFixed(1)} ${y(from).toFixed(1)}`).join('');
      s += `<path d="${path}${back}Z" fill="${color}" fill-opacity="0.6"/>`;
    }
    s += `<path d="${path}" fill="none" stroke="${color}" stroke-width="${stacked ? 1 : 1.8}" stroke-dasharray="${dash}"/>`;
    if (points.length === 1) s += `<circle cx="${x(points[0][0])}" cy="${y(points[0][2])}" r="2.5" fill="${color}"/>`;
    for (const [t, v] of series[i].exemplars || []) if (v <= high) s += `<rect x="-2.6" y="-2.6" width="5.2" height="5.2" fill="${color}" fill-opacity="0.65" transform="translate(${x(t)} ${y(v)}) rotate(45)"/>`;
  });
  const chart = `<svg width="${width}" height="${height}">${s}</g></svg>`;
  const last = (p) => p.length ? p[p.length - 1][1] : NaN;
  const calcs = { lastNotNull: ['last', last], max: ['max', (p) => Math.max(...p.map((q) => q[1]))], sum: ['total', (p) => p.reduce((a, q) => a + q[1], 0)] };
  if (!right) return `<div class="chart below">${chart}<div class="legend">${series.map((q, i) => `<span><i class="swatch" style="background:${styles[i].color}"></i>${esc(q.name)}</span>`).join('')}</div></div>`;
  const columns = panel.options.legend.calcs.map((k) => calcs[k]);
  const rows = series.map((q, i) => ({ i, name: q.name, values: columns.map(([, f]) => f(q.points)) })).sort((a, b) => b.values[0] - a.values[0]);
  return `<div class="chart">${chart}<div class="legend"><table><tr><td></td>${columns.map(([n]) => `<td class="n">${n}</td>`).join('')}</tr>${rows.map((r) => `<tr><td><i class="swatch" style="background:${styles[r.i].color}"></i>${esc(r.name)}</td>${r.values.map((v) => `<td class="n">${show(v, d.unit, d.decimals)}</td>`).join('')}</tr>`).join('')}</table></div></div>`;
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

function stat(panel, series, size, view) {
  const d = panel.fieldConfig.defaults, points = series[0].points, v = points[points.length - 1][1];
  const map = d.mappings.map((m) => m.options[String(v)]).find(Boolean);
  const c = map ? colour(map.color) : threshold(v, d.thresholds);
  let spark = '';
  if (points.length > 1) {
    const high = Math.max(...points.map((p) => p[1])), low = Math.min(0, ...points.map((p) => p[1]));
    const x = (t) => (t - view.start) / (view.end - view.start) * size.w, y = (q) => size.h - (q - low) / (high - low || 1) * size.h * 0.45;
    const path = points.map(([t, q], i) => `${i ? 'L' : 'M'}${x(t).toFixed(1)} ${y(q).toFixed(1)}`).join('');
    spark = `<svg width="${size.w}" height="${size.h}" style="position:absolute;left:0;top:0"><path d="${path}L${x(points[points.length - 1][0])} ${size.h}L${x(points[0][0])} ${size.h}Z" fill="${c}" fill-opacity="0.18"/><path d="${path}" fill="none" stroke="${c}" stroke-opacity="0.6"/></svg>`;
  }
  return `${spark}<div class="stat" style="height:75%;color:${c}">${esc(map ? map.text : show(v, d.unit, d.decimals))}</div>`;
}

function bargauge(panel, series, size) {
  const d = panel.fieldConfig.defaults, values = series.map((s) => ({ name: s.name, v: s.points[s.points.length - 1][1] }));
  const high = d.max ?? Math.max(...values.map((r) => r.v));
  const fit = Math.floor(size.h / 19);
  return `<div class="gauge">${values.slice(0, fit).map((r) => `<div class="name">${esc(r.name)}</div><div class="track"><i style="width:${100 * r.v / (high || 1)}%;background:${threshold(r.v, d.thresholds)}"></i></div><div class="value" style="color:${threshold(r.v, d.thresholds)}">${show(r.v, d.unit, d.decimals)}</div>`).join('')}</div>`;
}

function history(panel, series, size, view) {
  const d = panel.fieldConfig.defaults, left = Math.min(230, 14 + 7 * Math.max(...series.map((r) => r.name.length))), h = (size.h - 20) / series.length, w = view.step / (view.end - view.start) * (size.w - left);
  const x = (t) => left + (t - view.start) / (view.end - view.start) * (size.w - left);
  let s = `<clipPath id="${clip(panel)}"><rect x="${left}" y="0" width="${size.w - left}" height="${size.h}"/></clipPath>`;
  series.forEach((r, i) => {
    s += `<text x="${left - 8}" y="${i * h + h / 2 + 4}" text-anchor="end" style="fill:#ccccdc;font-size:12px">${esc(r.name)}</text>`;
    for (const [t, v] of r.points) s += `<rect clip-path="url(#${clip(panel)})" x="${x(t) - w + 1}" y="${i * h + 3}" width="${w - 2}" height="${h - 6}" fill="${threshold(v, d.thresholds)}" fill-opacity="0.85"/>`;
  });
  for (const t of timeTicks(view, size.w - left)) s += `<text x="${x(t)}" y="${size.h - 4}" text-anchor="middle">${clock(t)}</text>`;
  return `<svg width="${size.w}" height="${size.h}">${s}</svg>`;
}

// table merges the answers over the labels they share, as the transformations merge and organize do.
function table(panel, series) {
  const organize = panel.transformations.find((t) => t.id === 'organize').options, rows = new Map();
  for (const s of series) {
    const labels = Object.fromEntries(Object.entries(s.metric).filter(([k]) => k !== '__name__')), key = JSON.stringify(labels, Object.keys(labels).sort());
    const row = rows.get(key) || { ...labels };
    row[panel.targets.length > 1 ? `Value #${s.ref}` : 'Value'] = s.points[s.points.length - 1][1];
    rows.set(key, row);
  }
  const columns = Object.entries(organize.indexByName).sort((a, b) => a[1] - b[1]).map(([field]) => ({ field, title: organize.renameByName[field] || field, value: field.startsWith('Value'), p: {} }));
  for (const c of columns) for (const o of panel.fieldConfig.overrides) if (o.matcher.options === c.title) for (const p of o.properties) c.p[p.id] = p.value;
  const by = columns.find((c) => c.title === panel.options.sortBy[0].displayName);
  const sorted = [...rows.values()].sort((a, b) => (b[by.field] ?? -Infinity) - (a[by.field] ?? -Infinity));
  const cell = (c, v) => {
    if (!c.value) return `<td>${esc(v ?? '')}</td>`;
    const t = c.p.thresholds, word = (c.p.mappings || []).map((m) => m.options).find((o) => v >= o.from && v <= o.to)?.result;
    const on = word ? colour(word.color) : t && v !== undefined ? threshold(v, t) : 'transparent';
    const dark = on !== 'transparent';
    return `<td class="n" style="background:${on};${dark ? 'color:#111217' : ''}">${word ? esc(word.text) : show(v, c.p.unit, c.p.decimals === 0 && c.p.unit === 'short' ? 0 : undefined)}</td>`;
  };
  return `<table><tr>${columns.map((c) => `<th class="${c.value ? 'n' : ''}">${esc(c.title)}</th>`).join('')}</tr>${sorted.map((r) => `<tr>${columns.map((c) => cell(c, r[c.field])).join('')}</tr>`).join('')}</table>`;
}

const charts = { timeseries, heatmap, stat, bargauge, table, 'status-history': history };
