'use strict';
// Values, colours and names as Grafana shows them, as far as the dashboards use it.

const named = {
  green: '#73bf69', yellow: '#fade2a', orange: '#ff9830', red: '#f2495c', blue: '#5794f2', purple: '#b877d9', text: '#ccccdc',
  transparent: 'transparent',
};
const palette = ['#73bf69', '#f2cc0c', '#8ab8ff', '#ff780a', '#f2495c', '#5794f2', '#b877d9', '#705da0', '#37872d', '#fade2a',
  '#447ebc', '#c15c17', '#890f02', '#0a437c', '#6d1f62', '#584477'];
const colour = (c) => named[c] || c;

function seconds(v) {
  const a = Math.abs(v), f = (x, u) => `${+x.toPrecision(3)} ${u}`;
  if (a === 0) return '0 s';
  if (a < 1e-3) return f(v * 1e6, 'µs');
  if (a < 1) return f(v * 1e3, 'ms');
  if (a < 60) return f(v, 's');
  if (a < 3600) return f(v / 60, 'min');
  if (a < 86400) return f(v / 3600, 'hour' + (a >= 7200 ? 's' : ''));
  return f(v / 86400, 'day' + (a >= 172800 ? 's' : ''));
}

function short(v, digits) {
  const a = Math.abs(v);
  if (a >= 1e6) return `${+(v / 1e6).toPrecision(3)} Mil`;
  if (a >= 1e4) return `${+(v / 1e3).toPrecision(3)} K`;
  return digits === 0 ? v.toFixed(0) : `${+v.toPrecision(3)}`;
}

function bytes(v) {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let i = 0;
  while (v >= 1024 && i < units.length - 1) { v /= 1024; i++; }
  return `${+v.toPrecision(3)} ${units[i]}`;
}

function show(v, unit, digits) {
  if (v === undefined || v === null || Number.isNaN(v)) return '';
  switch (unit) {
    case 's': return seconds(v);
    case 'percentunit': return `${(100 * v).toFixed(digits ?? (Math.abs(v) < 0.1 && v !== 0 ? 1 : 0))}%`;
    case 'bytes': return bytes(v);
    default: return short(v, digits);
  }
}

// threshold is the colour of a value.
function threshold(v, t) {
  let c = 'text';
  for (const s of (t ? t.steps : [])) if (s.value === null || v >= s.value) c = s.color;
  return colour(c);
}

function legend(format, metric) {
  const all = Object.entries(metric).filter(([k]) => k !== '__name__').map(([k, v]) => `${k}="${v}"`).join(', ');
  return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, k) => metric[k] ?? '') || all;
}

const esc = (s) => String(s).replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }[c]));
