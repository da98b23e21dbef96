'use strict';
// Numbers, bars, cells and tables: one function for each type of panel, as in charts.js.

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
  const fit = Math.floor((size.h + 8) / 19);
  return `<div class="gauge">${values.slice(0, fit).map((r) => `<div class="name">${esc(r.name)}</div><div class="track"><i style="width:${100 * r.v / (high || 1)}%;background:${threshold(r.v, d.thresholds)}"></i></div><div class="value" style="color:${threshold(r.v, d.thresholds)}">${show(r.v, d.unit, d.decimals)}</div>`).join('')}</div>`;
}

// valueIn writes a value into a cell that has room for it.
const valueIn = (x, y, room, text) => ((text.endsWith('%') ? 4 : text.length) * 7 + 4 <= room ? `<text x="${x}" y="${y}" text-anchor="middle" style="fill:#111217">${esc(text)}</text>` : '');

function history(panel, series, size, view) {
  const d = panel.fieldConfig.defaults, left = Math.min(290, 14 + 7 * Math.max(...series.map((r) => r.name.length))), h = Math.min(34, (size.h - 20) / series.length), w = view.step / (view.end - view.start) * (size.w - left);
  const x = (t) => left + (t - view.start) / (view.end - view.start) * (size.w - left);
  let s = `<clipPath id="${clip(panel)}"><rect x="${left}" y="0" width="${size.w - left}" height="${size.h}"/></clipPath>`;
  series.forEach((r, i) => {
    s += `<text x="${left - 8}" y="${i * h + h / 2 + 4}" text-anchor="end" style="fill:#ccccdc;font-size:12px">${esc(r.name)}</text>`;
    for (const [t, v] of r.points) s += `<rect clip-path="url(#${clip(panel)})" x="${x(t) - w + 1}" y="${i * h + 3}" width="${w - 2}" height="${h - 6}" fill="${threshold(v, d.thresholds)}" fill-opacity="0.85"/>${x(t) - w < left ? '' : valueIn(x(t) - w / 2, i * h + h / 2 + 4, Math.min(w, 2 * h), show(v, d.unit, d.unit === 'percentunit' ? 0 : d.decimals))}`;
  });
  for (const t of timeTicks(view, size.w - left)) if (x(t) < size.w - 15) s += `<text x="${x(t)}" y="${size.h - 4}" text-anchor="middle">${clock(t)}</text>`;
  return `<svg width="${size.w}" height="${size.h}">${s}</svg>`;
}

// table merges the answers over the labels they share, as the transformations merge and organize do.
function table(panel, series, size) {
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
    const text = v === undefined ? c.p.noValue || '' : word ? word.text : show(v, c.p.unit, c.p.decimals === 0 && c.p.unit === 'short' ? 0 : undefined);
    return `<td class="n" style="background:${on};${dark ? 'color:#111217' : ''}">${esc(text)}</td>`;
  };
  // With pagination a page holds whole rows.
  const rowHeight = 21.5, whole = Math.floor((size.h - 22) / rowHeight), fits = sorted.length <= whole;
  const page = panel.options.enablePagination && !fits ? sorted.slice(0, Math.max(1, whole - 1)) : sorted;
  const pager = page.length < sorted.length ? `<div class="pager">1 – ${page.length} of ${sorted.length} rows</div>` : '';
  return `<table><tr>${columns.map((c) => `<th class="${c.value ? 'n' : ''}">${esc(c.title)}</th>`).join('')}</tr>${page.map((r) => `<tr>${columns.map((c) => cell(c, r[c.field])).join('')}</tr>`).join('')}</table>${pager}`;
}

const charts = { timeseries, heatmap, stat, bargauge, table, 'status-history': history };
