// Stands in for `opencode serve`: told to end, it refuses connections at once, and ends when nobody holds its file `stays` any more.
import { createServer } from 'node:http';
import { existsSync } from 'node:fs';

const server = createServer((_request, response) => void response.end('{}'));
server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
process.on('SIGTERM', () => {
  server.closeAllConnections();
  server.close();
  console.log('going');
  setInterval(() => existsSync(process.env.STAYS) || process.exit(0), 20);
});
