/** What the hub answers over plain HTTP: its health to anybody, who is connected to an operator. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LISTED_MAX, publicChannels } from '#core/channel/rules.ts';
import { dealCounts } from './deal-news.ts';
import type { Hub } from './hub.ts';

export async function answerHttp(request: IncomingMessage, response: ServerResponse, hub: Hub): Promise<void> {
  const { method, url, headers } = request;
  if (method === 'GET' && url === '/health') return sendJson(response, 200, healthOf(hub));
  if (method === 'GET' && url === '/api/connections') {
    const key = headers['x-admin-key'];
    const { tokens } = hub.door;
    if (tokens.isDue()) await tokens.refresh();
    const caller = typeof key === 'string' ? tokens.verify(key) : undefined;
    if (caller?.role === 'operator') return sendJson(response, 200, connectionsOf(hub));
    return sendJson(response, 401, { error: 'X-Admin-Key is no token of an operator' });
  }
  response.writeHead(404, { 'content-type': 'text/plain' }).end('Not Found');
  return undefined;
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}

function healthOf(hub: Hub): object {
  const { node } = hub.door;
  const nowMs = hub.door.now();
  const members = [...hub.sessions].flatMap(({ member }) => member ?? []);
  const isPublic = publicChannels(node.store, LISTED_MAX).length;
  const closed = node.store.count('channel', { created: 1, public: 0 });
  return {
    status: 'healthy',
    server: node.info.name,
    version: node.info.version,
    uptime_seconds: Math.floor((nowMs - node.info.startedMs) / 1_000),
    started_at: new Date(node.info.startedMs).toISOString(),
    agents: { connected: members.length, with_identity: members.filter(({ verified }) => verified).length },
    channels: { total: isPublic + closed, public: isPublic },
    proposals: dealCounts(hub),
    timestamp: new Date(nowMs).toISOString(),
  };
}

/** Where somebody is in the world is not looked up: nothing here asks other services. */
function connectionsOf(hub: Hub): object {
  const connections = [...hub.sessions].map(({ member, ip, openedMs, userAgent }) => ({
    agent_id: member?.id ?? null,
    ip,
    country: null,
    city: null,
    lat: null,
    lon: null,
    connected_at: new Date(openedMs).toISOString(),
    user_agent: userAgent,
  }));
  return { connections, count: connections.length };
}
