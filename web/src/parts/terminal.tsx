/** The terminal of an agent, live. Comes when it is looked at: the emulator is as large as the rest of the page. */
import { Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { Agent } from '../model/frame.ts';
import { paint, sizeOf } from '../model/paint.ts';
import { Typist, useScreen } from '../model/screen.ts';
import { useMayAct } from '../model/store.ts';
import { Button } from './button.tsx';
import { SCREEN } from './screen-place.ts';

const FONT_MAX_PX = 13;
const FONT_MIN_PX = 9;
/** Of JetBrains Mono: width of a character by its height. */
const ASPECT = 0.6;
const LINE_HEIGHT = 1.2;

/** Both looks are dark: colours of programs are made for it. */
const THEME = {
  background: '#151311',
  foreground: '#ebe6de',
  cursor: '#e9b65f',
  cursorAccent: '#151311',
  selectionBackground: '#4a433b',
  black: '#332e29',
  red: '#f5a197',
  green: '#86d39f',
  yellow: '#ecc077',
  blue: '#8fc0f5',
  magenta: '#d8a8f0',
  cyan: '#86cfd3',
  white: '#ebe6de',
  brightBlack: '#a59d91',
  brightRed: '#ffb9b1',
  brightGreen: '#a3e6b8',
  brightYellow: '#f7d497',
  brightBlue: '#b3d5fa',
  brightMagenta: '#e8c6f8',
  brightCyan: '#a8e3e6',
  brightWhite: '#ffffff',
};

export function AgentTerminal({ agent }: { agent: Agent }) {
  const mayAct = useMayAct();
  const { screen, said } = useScreen(agent.id);
  const [refused, setRefused] = useState('');
  const place = useRef<HTMLDivElement>(null);
  const typist = useMemo(() => new Typist(agent.id, setRefused), [agent.id]);
  const terminal = useTerminal(place, { name: agent.name, mayAct, typist });
  useEffect(() => {
    if (terminal === undefined || screen === undefined) return;
    const { columns, rows } = sizeOf(screen);
    if (terminal.cols !== columns || terminal.rows !== rows) terminal.resize(columns, rows);
    terminal.write(paint(screen));
  }, [terminal, screen]);
  useFont(place, terminal, screen === undefined ? 120 : sizeOf(screen).columns);
  const note =
    [refused, said].find((text) => text !== '') ?? (mayAct ? HINT : 'You see it, and cannot type: you are a viewer.');
  return (
    <div className="flex min-w-0 flex-col gap-1.5">
      <div ref={place} role="group" aria-label={`Terminal of ${agent.name}`} data-terminal className={SCREEN} />
      {mayAct ? <Keys onPress={(keys) => typist.keys(keys)} /> : null}
      <p role="status" className={`min-h-4 text-xs ${refused === '' ? 'text-muted' : 'text-red'}`}>
        {note}
      </p>
    </div>
  );
}

/** Keys that a phone has not, and that a reader may not know to reach the agent. */
const KEYS = [
  ['Esc', '\x1b'],
  ['Ctrl-C', '\x03'],
  ['Tab', '\t'],
  ['Shift-Tab', '\x1b[Z'],
  ['↑', '\x1b[A'],
  ['↓', '\x1b[B'],
  ['Enter', '\r'],
] as const;

function Keys({ onPress }: { onPress: (keys: string) => void }) {
  return (
    <div role="group" aria-label="Keys" className="flex flex-wrap gap-1">
      {KEYS.map(([name, keys]) => (
        <Button key={name} className="min-h-7 px-2 font-mono text-xs" onClick={() => onPress(keys)}>
          {name}
        </Button>
      ))}
    </div>
  );
}

const HINT = 'Click into it and type: every key reaches the agent, Tab too. F6, or a click elsewhere, leaves it.';

type Typed = { name: string; mayAct: boolean; typist: Typist };

function useTerminal(
  place: React.RefObject<HTMLDivElement | null>,
  { name, mayAct, typist }: Typed,
): Terminal | undefined {
  const [terminal, setTerminal] = useState<Terminal>();
  useEffect(() => {
    const { current } = place;
    if (current === null) return undefined;
    const sheet = new CSSStyleSheet();
    const made = new Terminal({
      allowProposedApi: false,
      convertEol: false,
      cursorBlink: false,
      cursorStyle: 'block',
      fontFamily: "'JetBrains Mono Variable', ui-monospace, monospace",
      fontSize: FONT_MAX_PX,
      lineHeight: LINE_HEIGHT,
      linkHandler: null,
      logLevel: 'off',
      screenReaderMode: false,
      scrollback: 0,
      theme: THEME,
      windowOptions: {},
    });
    document.adoptedStyleSheets.push(sheet);
    openWithSheet(made, current, sheet);
    made.textarea?.setAttribute('aria-label', `Type into ${name}`);
    made.onData((keys) => typist.keys(keys));
    const paste = (event: ClipboardEvent): void => {
      // Before the terminal takes it for keys: the program in the pane is told that it is a paste.
      event.preventDefault();
      event.stopPropagation();
      const text = event.clipboardData?.getData('text/plain') ?? '';
      if (made.options.disableStdin !== true && text !== '') typist.paste(text);
    };
    current.addEventListener('paste', paste, { capture: true });
    made.attachCustomKeyEventHandler(isForAgent);
    setTerminal(made);
    return () => {
      current.removeEventListener('paste', paste, { capture: true });
      made.dispose();
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
      setTerminal(undefined);
    };
  }, [place, name, typist]);
  useEffect(() => {
    if (terminal !== undefined) terminal.options.disableStdin = !mayAct;
  }, [terminal, mayAct]);
  return terminal;
}

/** With Ctrl-V the browser pastes, and F6 leaves, as it does for panes elsewhere: every other key is the agent's. */
function isForAgent(event: KeyboardEvent): boolean {
  if (event.key === 'F6') {
    if (event.target instanceof HTMLElement) event.target.blur();
    return false;
  }
  return !((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'v');
}

/**
 * The page's policy lets nobody write style elements. While the emulator builds itself, those that it makes are something else, and what it writes into
 * them goes into a sheet of the page.
 */
function openWithSheet(terminal: Terminal, parent: HTMLElement, sheet: CSSStyleSheet): void {
  const texts = new Map<Element, string>();
  const create = document.createElement.bind(document);
  const createElement = (name: string): HTMLElement => {
    if (name !== 'style') return create(name);
    const element = create('span');
    element.hidden = true;
    Object.defineProperty(element, 'textContent', {
      set: (text: string) => {
        texts.set(element, text);
        sheet.replaceSync([...texts.values()].join('\n'));
      },
    });
    return element;
  };
  Object.defineProperty(document, 'createElement', { configurable: true, value: createElement });
  try {
    terminal.open(parent);
  } finally {
    // What every document has is behind it.
    Reflect.deleteProperty(document, 'createElement');
  }
}

/** As large as all columns fit into; on a phone it scrolls sideways before it gets too small to read. */
function useFont(place: React.RefObject<HTMLDivElement | null>, terminal: Terminal | undefined, columns: number): void {
  useEffect(() => {
    const { current } = place;
    if (current === null || terminal === undefined) return undefined;
    const fit = (): void => {
      const room = (current.clientWidth - 24) / (columns * ASPECT);
      const size = Math.min(Math.max(Math.floor(room * 2) / 2, FONT_MIN_PX), FONT_MAX_PX);
      if (terminal.options.fontSize !== size) terminal.options.fontSize = size;
    };
    fit();
    const watcher = new ResizeObserver(fit);
    watcher.observe(current);
    return () => watcher.disconnect();
  }, [place, terminal, columns]);
}
