/** The connection to `/ws`: comes back by itself, and goes on where it was. */
import { api, Refused } from './api.ts';
import type { Frame } from './frame.ts';

/** As in the seed: between an end and the next try. */
const RETRY_MS = 2_000;
/** Between two folds while much happens: more than a reader can see, and each costs a drawing of the page. The first after a silence comes at once. */
const GAP_MS = 100;
/** A page in the background gets no frames to draw in; frames are folded so often then. */
const HIDDEN_MS = 1_000;
/** Nothing at all for so long, though a status comes every 5 s: the line is dead, whatever the browser thinks. */
const SILENT_MAX_MS = 20_000;

/** Below are codes of the protocol, from here on those of skep. */
const STOPPED_FROM = 4000;

export type StreamEvents = {
  /** Frames that came since the last call, at most once a frame of the screen. */
  frames(frames: readonly Frame[]): void;
  connection(state: 'connecting' | 'live' | 'reconnecting'): void;
  /** The node stopped by itself, and said so with one of the codes of docs/websocket.md. */
  stopped(code: number): void;
  /** Anything was heard: what is shown is as fresh as this. */
  heard(): void;
  /** The session is over. */
  loggedOut(): void;
  /** Where to go on. */
  cursor(): string | undefined;
};

/** Follows until the returned function is called. */
export function follow(events: StreamEvents, query: Record<string, string> = {}): () => void {
  let socket: WebSocket | undefined;
  let waiting: Frame[] = [];
  let retry: number | undefined;
  let silence: number | undefined;
  let isOver = false;
  let flushedMs = -Infinity;

  const flush = (): void => {
    const frames = waiting;
    waiting = [];
    flushedMs = performance.now();
    if (frames.length > 0 && !isOver) events.frames(frames);
  };
  const listen = (): void => {
    clearTimeout(silence);
    silence = window.setTimeout(() => socket?.close(), SILENT_MAX_MS);
    events.heard();
  };
  const open = (): void => {
    const cursor = events.cursor();
    const asked = new URLSearchParams(cursor === undefined ? query : { ...query, after: cursor });
    const url = new URL(`ws?${asked.toString()}`, document.baseURI);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    socket = new WebSocket(url);
    socket.addEventListener('open', () => events.connection('live'));
    socket.addEventListener('message', ({ data }) => {
      listen();
      const frame: Frame = JSON.parse(String(data));
      if (waiting.push(frame) === 1) soon(flush, flushedMs + GAP_MS - performance.now());
    });
    socket.addEventListener('close', ({ code }) => {
      clearTimeout(silence);
      flush();
      if (isOver) return;
      if (code >= STOPPED_FROM) events.stopped(code);
      events.connection('reconnecting');
      retry = window.setTimeout(() => void comeBack(), RETRY_MS);
    });
  };
  /** A browser does not say why a WebSocket was refused, so the node is asked. */
  const comeBack = async (): Promise<void> => {
    try {
      await api('GET', 'api/me');
    } catch (error) {
      if (error instanceof Refused && error.code === 'unauthorised') {
        events.loggedOut();
        return;
      }
    }
    if (!isOver) open();
  };
  open();
  return () => {
    isOver = true;
    clearTimeout(retry);
    clearTimeout(silence);
    socket?.close();
  };
}

/** Before the next drawing, and not within `waitMs`. A page that nobody sees draws nothing, and may be left at any moment. */
function soon(run: () => void, waitMs: number): void {
  if (waitMs > 0) {
    window.setTimeout(() => soon(run, 0), waitMs);
    return;
  }
  const frame = requestAnimationFrame(() => {
    clearTimeout(timer);
    run();
  });
  const timer = window.setTimeout(() => {
    cancelAnimationFrame(frame);
    run();
  }, HIDDEN_MS);
}
