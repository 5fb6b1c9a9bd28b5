/** Between the agent CLIs and their model: hands everything on, and keeps what the model was asked, whole. */
import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Recording = { url: string; close(): void };

/** `bodies`: gets each body that was asked, in order. */
export async function recording(url: string, bodies: string[]): Promise<Recording> {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces);
      bodies.push(body.toString());
      const { method, headers } = request;
      const onward = ask(`${url}${request.url ?? '/'}`, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      onward.end(body);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address: AddressInfo | string | null = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
