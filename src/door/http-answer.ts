/** Answers of the table as HTTP: headers, cookies, files, streams. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Asset } from './asset.ts';
import type { Site } from './guard.ts';
import type { HttpStreams } from './http-events.ts';
import type { DoorRefusal } from './refusal.ts';
import { refusalJson, STATUS_OF } from './refusal.ts';
import type { Answer } from './route.ts';

/** On every answer. There is no header that would let another site read one. */
export const EVERYWHERE = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const;

export const JSON_HEADERS = {
  ...EVERYWHERE,
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
} as const;

/** The page runs its own files and talks to its own node; nothing else, and nobody may frame it. */
const PAGE_HEADERS = {
  ...EVERYWHERE,
  'cache-control': 'no-cache',
  'cross-origin-opener-policy': 'same-origin',
  'x-frame-options': 'DENY',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; manifest-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
} as const;

/** A file under a name of its own content. */
const FOREVER = 'public, max-age=31536000, immutable';

export class HttpAnswers {
  private readonly streams: HttpStreams;
  private readonly site: Site;
  /** Path under which the page is served; begins and ends with a slash. */
  private readonly base: string;
  private readonly cookieEnd: string;

  constructor(o: { streams: HttpStreams; site: Site; base: string; secure: boolean }) {
    this.streams = o.streams;
    this.site = o.site;
    this.base = o.base;
    this.cookieEnd = `Path=${o.base}; HttpOnly; SameSite=Strict${o.secure ? '; Secure' : ''}`;
  }

  answer(request: FastifyRequest, reply: FastifyReply, answer: Answer): FastifyReply {
    switch (answer.kind) {
      case 'json':
        return sendJson(reply, answer.status, answer.body);
      case 'page':
        return this.page(request, reply, answer);
      case 'redirect': {
        const cookie = `${this.site.cookie}=${answer.session}; ${this.cookieEnd}`;
        return reply
          .code(303)
          .headers(PAGE_HEADERS)
          .header('set-cookie', cookie)
          .header('location', this.base)
          .send('');
      }
      case 'events':
        reply.hijack();
        this.streams.open(reply.raw, EVERYWHERE, answer.open);
        return reply;
    }
  }

  refuse(reply: FastifyReply, refusal: DoorRefusal): FastifyReply {
    return sendJson(reply, STATUS_OF[refusal.code], refusalJson(refusal));
  }

  private page(request: FastifyRequest, reply: FastifyReply, page: { status: number; asset: Asset }): FastifyReply {
    const { asset, status } = page;
    reply.headers(PAGE_HEADERS).header('etag', asset.etag).header('vary', 'cookie, authorization, accept-encoding');
    if (asset.forever) reply.header('cache-control', FOREVER);
    if (status === 200 && request.headers['if-none-match'] === asset.etag) return reply.code(304).send();
    reply.code(status).header('content-type', asset.contentType);
    const packed = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '') ? asset.gzipped : undefined;
    return packed === undefined ? reply.send(asset.content) : reply.header('content-encoding', 'gzip').send(packed);
  }
}

function sendJson(reply: FastifyReply, status: number, body: unknown): FastifyReply {
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(status)
    .headers(JSON_HEADERS)
    .send(`${JSON.stringify(body)}\n`);
}
