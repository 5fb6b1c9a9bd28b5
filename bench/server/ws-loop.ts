/** What everybody writes first: a server that tells a text of one client to all others, each by `send`. */
import { WebSocket, WebSocketServer } from 'ws';

const web = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
web.on('connection', (client) => {
  client.on('message', (data: Buffer) => {
    const frame: { type: string; channel: string } = JSON.parse(data.toString());
    const text = JSON.stringify({ ...frame, from: '@abcdefg1', from_name: 'speaker', ts: Date.now() });
    for (const other of web.clients) if (other !== client && other.readyState === WebSocket.OPEN) other.send(text);
  });
});
web.on('listening', () => {
  const address = web.address();
  if (typeof address === 'object') process.stdout.write(`${JSON.stringify({ port: address?.port })}\n`);
});
