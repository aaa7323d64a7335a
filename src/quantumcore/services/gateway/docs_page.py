"""The reference page at /docs: one file, no assets from elsewhere; it lists what /openapi.json and /asyncapi.json say."""

import base64
import hashlib

_SCRIPT = """
const el = (tag, text, parent) => { const e = document.createElement(tag); e.textContent = text; parent.append(e); return e; };
fetch('/openapi.json').then(r => r.json()).then(api => {
  const main = document.querySelector('main'), areas = {};
  for (const [path, methods] of Object.entries(api.paths))
    for (const [method, op] of Object.entries(methods)) (areas[op.tags[0]] ||= []).push([method, path, op]);
  for (const [area, list] of Object.entries(areas)) {
    el('h2', area, main);
    for (const [method, path, op] of list) {
      const box = document.createElement('details'); main.append(box);
      el('summary', method.toUpperCase() + ' ' + path + (op['x-scope'] ? '  (' + op['x-scope'] + ')' : ''), box);
      el('p', op.summary, box);
      for (const p of op.parameters || []) el('pre', p.in + ' ' + p.name + ': ' + JSON.stringify(p.schema), box);
      const name = s => s && s['$ref'] ? s['$ref'].split('/').pop() : '';
      const body = op.requestBody && name(op.requestBody.content['application/json'].schema);
      if (body) el('pre', 'body ' + body + ' ' + JSON.stringify(api.components.schemas[body], null, 1), box);
      for (const [status, r] of Object.entries(op.responses)) {
        const kind = r.content && name(Object.values(r.content)[0].schema);
        el('pre', status + ' ' + (kind ? kind + ' ' + JSON.stringify(api.components.schemas[kind], null, 1) : r.description), box);
      }
    }
  }
  return fetch('/asyncapi.json');
}).then(r => r.json()).then(stream => {
  const main = document.querySelector('main'), schemas = stream.components.schemas;
  const show = (refs, what, box) => { for (const one of refs) {
    const name = one['$ref'].split('/').pop();
    el('pre', what + ' ' + name + ' ' + JSON.stringify(schemas[name], null, 1), box);
  } };
  el('h2', 'stream ' + stream.channels.stream.address, main);
  for (const [name, op] of Object.entries(stream.operations)) {
    const box = document.createElement('details'); main.append(box);
    el('summary', op.action === 'receive' ? 'say ' + name : 'hear', box);
    el('p', op.summary, box);
    show(op.messages, op.action === 'receive' ? 'say' : 'hear', box);
    if (op.reply) show(op.reply.messages, 'answer', box);
  }
});
"""
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
summary { font-family: ui-monospace, monospace; cursor: pointer; padding: .2rem 0; }
pre { background: #8881; padding: .5rem; overflow: auto; max-height: 24rem; }
"""


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    f"<title>QuantumCore API</title><style>{_STYLE}</style><h1>QuantumCore API</h1>"
    '<p>The whole description: <a href="/openapi.json">openapi.json</a>, and of the stream <a href="/asyncapi.json">asyncapi.json</a>.</p><main></main>'
    f"<script>{_SCRIPT}</script></html>"
).encode()
POLICY = (
    f"default-src 'none'; connect-src 'self'; script-src 'sha256-{_hash(_SCRIPT)}'; style-src 'sha256-{_hash(_STYLE)}'"
).encode()
