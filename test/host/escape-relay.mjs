// The part of escape.mjs that tries its relay, and the proxy at its own loopback.
import { request } from 'node:http';

const ATTEMPT_MS = 5_000;

/** Its relay answers only what a model may be asked, and takes no word of who asks. */
export async function relay({ given, got }) {
  const ask = (method, path, headers = {}) =>
    new Promise((resolve) => {
      const asked = request(
        { socketPath: '/run/hive/relay.sock', method, path, headers, timeout: ATTEMPT_MS },
        (answer) => {
          let text = '';
          answer.on('data', (chunk) => (text += chunk));
          answer.on('end', () => resolve({ status: answer.statusCode, text, headers: JSON.stringify(answer.headers) }));
        },
      );
      asked.on('timeout', () => asked.destroy());
      asked.on('connect', (answer, socket) => {
        socket.destroy();
        resolve({ status: answer.statusCode, text: '', headers: '' });
      });
      asked.on('error', () => resolve({ status: 0, text: '', headers: '' }));
      asked.end();
    });
  for (const [method, path] of [
    ['GET', '/'],
    ['GET', '/api/swarm/tasks'],
    ['POST', '/v1/messages/../files'],
    ['POST', '/v1/messages/%2e%2e/files'],
    ['POST', '/v1/files'],
    ['GET', '/v1/organizations/api_keys'],
    ['POST', '//192.0.2.1/v1/messages'],
    ...given.ports.flatMap((port) => [
      ['GET', `http://127.0.0.1:${port}/`],
      ['CONNECT', `127.0.0.1:${port}`],
    ]),
    ['GET', 'http://169.254.169.254/latest/meta-data/'],
    ['CONNECT', '192.0.2.1:443'],
    // What an operator listed leads to the machine itself, which its name does not say.
    ...given.listed.flatMap((place) => [
      ['CONNECT', place],
      ['GET', `http://${place}/api/swarm/status`],
    ]),
    ...given.ports.flatMap((port) =>
      [
        '0.0.0.0',
        '127.1',
        '2130706433',
        '0x7f000001',
        '[::1]',
        '[::ffff:127.0.0.1]',
        'localhost.',
        given.machine,
      ].flatMap((host) => [
        ['CONNECT', `${host}:${port}`],
        ['GET', `http://${host}:${port}/`],
      ]),
    ),
    ['CONNECT', 'metadata.google.internal:80'],
    ['GET', `http://${given.listed[0]}@169.254.169.254/latest/meta-data/`],
    ['CONNECT', '/run/hive/tools.sock'],
  ]) {
    const { status } = await ask(method, path);
    if (status > 0 && status < 400) got(`${method} ${path} by its relay`);
  }
  const forged = {
    authorization: 'Bearer forged',
    'x-api-key': 'forged',
    cookie: 'forged',
    'x-forwarded-for': 'forged',
  };
  const answer = await ask('GET', '/v1/models', { ...forged, 'anthropic-version': '2023-06-01' });
  // What plays the service tells what it was shown.
  if (answer.status !== 200) console.log(`its relay does not answer: ${answer.status} ${answer.text}`);
  if (answer.text.includes('forged')) got('a forged header to the service of the model');
  if (`${answer.text}${answer.headers}`.includes(given.key)) got('the key of the model in an answer');
}

/** The end of its relay is a port of its own loopback; what answers there is the node's to say. */
export async function proxy({ given, got, reaches }) {
  const { HTTP_PROXY: url = '' } = process.env;
  const { hostname, port } = new URL(url);
  if (!(await reaches({ host: hostname, port: Number(port) }))) console.log('its proxy does not answer');
  for (const place of given.listed) {
    const answer = await fetch(`http://${place}/api/swarm/status`).catch(() => undefined);
    if (answer?.ok === true) got(`${place} by its proxy`);
  }
}
