'use strict';
// Draws a dashboard of deploy/grafana from the answers of a real Prometheus: ?dashboard=overview&range=3600&window=2m&compare=10m

const query = new URLSearchParams(location.search);
const unitHeight = 34, columnWidth = 1480 / 24, headHeight = 70;

async function ask(path, parameters) {
  const response = await fetch(`/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const answer = await response.json();
  if (answer.status !== 'success') throw new Error(answer.error);
  return answer.data;
}

const toSeconds = (d) => [...d.matchAll(/(\d+)([smhdw])/g)].reduce((sum, [, n, unit]) => sum + n * { s: 1, m: 60, h: 3600, d: 86400, w: 604800 }[unit], 0);
const finite = (points) => points.map(([t, v]) => [t * 1000, +v]).filter(([, v]) => Number.isFinite(v));

async function answers(panel, values, view, width) {
  const out = [];
  for (const target of panel.targets) {
    const expr = values(target.expr), range = target.range;
    const step = panel.interval ? toSeconds(values(panel.interval)) : Math.max(5, Math.round(width && (view.end - view.start) / 1000 / width * 2));
    if (range) view = Object.assign(view, { step: step * 1000 });
    const data = await ask(range ? 'query_range' : 'query', range ? { query: expr, start: view.start / 1000, end: view.end / 1000, step } : { query: expr, time: view.end / 1000 });
    for (const r of data.result) {
      const points = finite(range ? r.values : [r.value]);
      if (points.length) out.push({ name: legend(values(target.legendFormat), r.metric), metric: r.metric, ref: target.refId, points, exemplars: [] });
    }
    if (target.exemplar && panel.type === 'timeseries') await exemplars(expr, target, out, view);
  }
  return out;
}

// exemplars belong to the line whose labels they share.
async function exemplars(expr, target, series, view) {
  const data = await ask('query_exemplars', { query: expr, start: view.start / 1000, end: view.end / 1000 });
  for (const s of series.filter((q) => q.ref === target.refId)) {
    const own = data.filter((e) => Object.entries(s.metric).every(([k, v]) => e.seriesLabels[k] === v)).flatMap((e) => e.exemplars);
    const points = own.map((e) => [e.timestamp * 1000, +e.value]).filter(([t]) => t >= view.start);
    s.exemplars = points.filter((_, i) => i % Math.ceil(points.length / 25) === 0);
  }
}

async function draw() {
  const dashboard = await (await fetch(`/dashboards/${query.get('dashboard')}.json`)).json();
  const end = +query.get('end') || Date.now(), start = end - query.get('range') * 1000;
  const set = { window: query.get('window'), compare: query.get('compare'), __range: `${query.get('range')}s` };
  for (const v of dashboard.templating.list) set[v.name] ??= query.get(v.name) || '.*';
  const values = (text) => text.replace(/\$\{?(\w+)\}?/g, (m, name) => set[name] ?? m);
  const main = document.getElementById('dashboard');
  const chosen = dashboard.templating.list.filter((v) => v.type === 'query').map((v) => `${v.label}: ${query.get(v.name) || 'All'}`);
  main.innerHTML = `<header><h1>${esc(dashboard.title)}</h1><p>${esc(chosen.join('  ·  '))}  ·  Window: ${set.window}  ·  Last ${seconds(+query.get('range'))}</p></header>`;
  await Promise.all(dashboard.panels.map(async (panel) => {
    const { x, y, w, h } = panel.gridPos, box = document.createElement('section');
    box.style.cssText = `left:${x * columnWidth}px;top:${headHeight + y * unitHeight}px;width:${w * columnWidth - 6}px;height:${h * unitHeight - 6}px`;
    main.append(box);
    if (panel.type === 'row') {
      box.className = 'row';
      box.textContent = panel.title;
      return;
    }
    box.innerHTML = `<h2>${esc(values(panel.title))}</h2><div class="body"></div>`;
    const body = box.lastChild, size = { w: w * columnWidth - 24, h: h * unitHeight - 44 }, view = { start, end, step: 60e3 };
    try {
      const series = await answers(panel, values, view, size.w);
      body.innerHTML = series.length ? charts[panel.type](panel, series, size, view) : `<div class="none" style="height:100%">${esc(panel.fieldConfig.defaults.noValue || 'No data')}</div>`;
    } catch (e) {
      body.textContent = `${e}`;
    }
  }));
  document.title = 'done';
}

draw();
