/** The TLS channel under a link: version 1.3, our ALPN name, a certificate on both ends. Whose key it is, is checked here and not by a CA. */
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import type { Address } from './address.ts';
import { selfSignedCertificate } from './certificate.ts';
import type { Channel, Side } from './hello.ts';
import { ALPN, EXPORT_BYTES, EXPORT_LABEL } from './hello.ts';
import type { NodeIdentity } from './identity.ts';
import { nodeIdOfSpki } from './identity.ts';

export function secureContextOf(identity: NodeIdentity): SecureContext {
  return createSecureContext({
    key: identity.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: selfSignedCertificate(identity.privateKey),
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
  });
}

/** Opens a channel; the socket's `secureConnect` says that TLS stands. */
export function dialChannel(address: Address, secureContext: SecureContext): TLSSocket {
  return connect({ ...address, secureContext, rejectUnauthorized: false, ALPNProtocols: [ALPN] });
}

/** Makes an accepted connection a channel; the socket's `secure` says that TLS stands. */
export function acceptChannel(socket: Socket, secureContext: SecureContext): TLSSocket {
  return new TLSSocket(socket, {
    isServer: true,
    secureContext,
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: [ALPN],
  });
}

/** What a standing channel says about its peer, or what it lacks. TLS has proved that the peer holds the key of its certificate. */
export function readChannel(socket: TLSSocket, peerSide: Side): Channel | string {
  if (socket.alpnProtocol !== ALPN) return `the peer does not speak ${ALPN}`;
  const key = socket.getPeerX509Certificate()?.publicKey;
  if (key?.asymmetricKeyType !== 'ed25519') return 'the peer shows no certificate with an Ed25519 key';
  return {
    peer: nodeIdOfSpki(key.export({ type: 'spki', format: 'der' })),
    peerSide,
    // TLS 1.3 makes no difference between an empty context and none; node wants one to be there.
    exportedKey: socket.exportKeyingMaterial(EXPORT_BYTES, EXPORT_LABEL, Buffer.alloc(0)),
  };
}

/**
 * Ends a channel after its last bytes. A socket that is closed with unread bytes takes its last words along, so what still comes is read and
 * thrown away, for at most `lingerMs`.
 */
export function endChannel(socket: TLSSocket, last: Buffer, lingerMs: number): void {
  socket.end(last);
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(timer));
}
