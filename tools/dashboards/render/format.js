'use strict';
// Values, colours and names as Grafana shows them, as far as the dashboards use it.

const named = {
  green: '#73bf69', yellow: '#fade2a', orange: '#ff9830', red: '#f2495c', blue: '#5794f2', purple: '#b877d9', text: '#ccccdc',
  transparent: 'transparent',
};
const colour = (c) => named[c] || c;

// shade is the i-th of eleven shades of a colour, as in Grafana: the colour itself, then by turns brighter ones a little
// further on the wheel and darker ones a little further back.
function shade(base, i) {
  const n = i % 11, part = Math.ceil(n / 2) / 6;
  if (!n) return base;
  const [r, g, b] = [1, 3, 5].map((k) => parseInt(base.slice(k, k + 2), 16) / 255);
  const high = Math.max(r, g, b), low = Math.min(r, g, b), span = high - low || 1;
  const light = (high + low) / 2, saturation = high === low ? 0 : span / (1 - Math.abs(2 * light - 1));
  const hue = 60 * (high === r ? (g - b) / span : high === g ? (b - r) / span + 2 : (r - g) / span + 4);
  const brighter = n % 2 === 1, turned = hue + (brighter ? 10 : -10) * part, l = brighter ? light : Math.max(0, light - 0.35 * part);
  const channel = (k) => {
    const at = (((k + turned / 30) % 12) + 12) % 12;
    const v = Math.round(255 * (l - saturation * Math.min(l, 1 - l) * Math.max(-1, Math.min(at - 3, 9 - at, 1))));
    return brighter ? Math.min(255, v + Math.round(255 * 0.35 * part)) : v;
  };
  return `rgb(${channel(0)},${channel(8)},${channel(4)})`;
}

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
