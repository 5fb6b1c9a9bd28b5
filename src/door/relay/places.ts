/** Places of the network as a request names them, and as a list has them: `host:port`, compared letter by letter. */
import { isIP } from 'node:net';

export type Place = { host: string; port: number; name: string };

/** An authority without anybody's credentials. */
const AUTHORITY = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::([0-9]{1,5}))?$/i;
const HTTP_URL = /^http:\/\/([^/?#]*)([^#]*)$/i;
const HTTP_PORT = 80;
/** No blank and no control: such a path could be read as more than one request. */
const PLAIN = /^[!-~]*$/;

export const nameOf = (host: string, port: number): string => `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;

/** Of what a CONNECT names, where the port must be said. Undefined for what is no place. */
export const tunnelPlaceOf = (authority: string): Place | undefined => placeOf(authority, undefined);

/** Of a request that names its server, as it is made to a proxy: `GET http://host/path`. Undefined for any other. */
export function wholeUrlOf(url: string): { place: Place; path: string } | undefined {
  const [, authority = '', rest = ''] = HTTP_URL.exec(url) ?? [];
  const place = placeOf(authority, HTTP_PORT);
  if (place === undefined || !PLAIN.test(rest)) return undefined;
  return { place, path: rest.startsWith('/') ? rest : `/${rest}` };
}

function placeOf(authority: string, fallbackPort: number | undefined): Place | undefined {
  const [, name, digits] = AUTHORITY.exec(authority) ?? [];
  const port = digits === undefined ? fallbackPort : Number(digits);
  if (name === undefined || port === undefined || port < 1 || port > 65_535) return undefined;
  const lower = name.toLowerCase();
  const host = lower.startsWith('[') ? lower.slice(1, -1) : lower;
  return { host, port, name: `${lower}:${port}` };
}
