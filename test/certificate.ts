/** A certificate that nobody else has signed, for one name of a host, and its key. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const MAKING_MAX_MS = 60_000;

/** Both in PEM, in `dir`. */
export async function makeCertificate(dir: string, name: string): Promise<{ keyFile: string; certFile: string }> {
  const [keyFile, certFile] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  await promisify(execFile)('openssl', [...kind, ...subject, '-keyout', keyFile, '-out', certFile], {
    timeout: MAKING_MAX_MS,
  });
  return { keyFile, certFile };
}
