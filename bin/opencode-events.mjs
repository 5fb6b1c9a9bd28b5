// What the events of OpenCode mean in the words of hooks (docs/terminals.md). Pure: events go in, what the node is told comes out. Plain JavaScript
// without anything else of skep, for it runs in OpenCode's own process.

/** Sessions that are remembered as somebody's part: subagents of one OpenCode. The oldest are forgotten. */
const PARTS_MAX = 1_000;
/** Its name for a turn that a person has stopped. */
const STOPPED = 'MessageAbortedError';
const RATE_LIMIT = /\b429\b|rate.?limit|too many requests/i;

/**
 * One OpenCode has many sessions: those of its user, each with turns of its own, and those of subagents, which are parts of a turn. A turn begins when
 * its session is busy and is over when that is idle, however many prompts were taken into it.
 */
export class OpenCodeEvents {
  #turns = new Map();
  /** Messages of the last turn of each session: what is still said of them after its end is no news. */
  #older = new Map();
  #parts = new Set();
  /** Dialogs that are open, each with what told of it. */
  #asked = new Map();

  /** `chat.message`: a prompt was submitted. */
  prompted({ sessionID }, { parts }) {
    if (this.#parts.has(sessionID)) return [];
    const prompt = parts.filter(({ type, synthetic }) => type === 'text' && synthetic !== true).map(({ text }) => text);
    return [{ hook_event_name: 'UserPromptSubmit', session_id: sessionID, prompt: prompt.join('\n') }];
  }

  /** `tool.execute.before` and `.after`. While a dialog is open, the agent waits, whatever else it does. */
  used(when, { tool, sessionID }, args) {
    if (this.#asked.size > 0) return [];
    const hook_event_name = when === 'before' ? 'PreToolUse' : 'PostToolUse';
    return [{ hook_event_name, session_id: sessionID, tool_name: tool, tool_input: args ?? {} }];
  }

  read({ type, properties }) {
    switch (type) {
      case 'session.created':
      case 'session.updated':
        this.#partOf(properties.info);
        return [];
      case 'permission.asked':
      case 'question.asked':
        return [this.#ask(type, properties)];
      case 'permission.replied':
      case 'question.replied':
      case 'question.rejected':
        return this.#answered(properties);
      default:
        return this.#parts.has(properties?.sessionID) ? [] : this.#turn(type, properties);
    }
  }

  #turn(type, { sessionID, status, info, part, error }) {
    const turn = this.#turns.get(sessionID);
    if (type === 'session.status') return this.#status(sessionID, status);
    if (type === 'session.idle') return this.#idle(sessionID);
    if (turn === undefined) return [];
    if (type === 'session.error') turn.error = error ?? turn.error;
    if (type === 'message.updated' && info.role === 'assistant' && !this.#older.get(sessionID)?.has(info.id)) {
      turn.messages.add(info.id);
      turn.error = info.error ?? turn.error;
    }
    if (type === 'message.part.updated' && part.type === 'text' && turn.messages.has(part.messageID)) {
      // Of several messages the last one that says anything counts.
      if (turn.said !== part.messageID && part.text !== '') [turn.said, turn.texts] = [part.messageID, new Map()];
      if (turn.said === part.messageID) turn.texts.set(part.id, part.text);
    }
    return [];
  }

  #status(session, { type, message = '' }) {
    const turn = this.#turns.get(session);
    if (type === 'retry') {
      if (turn !== undefined) turn.isRetrying = true;
      const error = RATE_LIMIT.test(message) ? 'rate_limit' : 'server_error';
      return [{ hook_event_name: 'Retry', session_id: session, error, last_assistant_message: message }];
    }
    if (type !== 'busy' || (turn !== undefined && !turn.isRetrying)) return [];
    if (turn === undefined) this.#turns.set(session, { messages: new Set(), texts: new Map(), isRetrying: false });
    else turn.isRetrying = false;
    return this.#asked.size > 0 ? [] : [{ hook_event_name: 'Busy', session_id: session }];
  }

  /** Said twice after an error: a second one that comes when the next turn has just begun is not the end of that, which has no message yet. */
  #idle(session) {
    const turn = this.#turns.get(session);
    if (turn === undefined || (turn.messages.size === 0 && turn.error === undefined)) return [];
    this.#turns.delete(session);
    this.#older.set(session, turn.messages);
    if (this.#turns.size === 0) this.#asked.clear();
    const end = { session_id: session };
    // A stop between two tries is no error to OpenCode: a session that goes on is busy first.
    if (turn.isRetrying) turn.error ??= { name: STOPPED };
    if (turn.error !== undefined) {
      const { name = 'unknown', data } = turn.error;
      const said = [name, data?.message].filter((one) => one !== undefined).join(': ');
      return [{ ...end, hook_event_name: 'StopFailure', error: kindOf(turn.error), last_assistant_message: said }];
    }
    const said = [...turn.texts.values()].join('').trim();
    return [{ ...end, hook_event_name: 'Stop', last_assistant_message: said }];
  }

  #ask(type, { id, sessionID, permission, patterns, metadata, questions }) {
    const asked =
      type === 'question.asked'
        ? { tool_name: 'question', tool_input: { questions } }
        : { tool_name: permission, tool_input: { patterns, metadata } };
    const told = { hook_event_name: 'PermissionRequest', session_id: sessionID, ...asked };
    this.#asked.set(id, told);
    return type === 'question.asked' ? told : { ...told, request: id };
  }

  /** Several can be open at once: the agent waits until the last one is answered. */
  #answered({ sessionID, requestID }) {
    this.#asked.delete(requestID);
    const answered = { hook_event_name: 'PermissionAnswered', session_id: sessionID, request: requestID };
    const [still] = this.#asked.values();
    return still === undefined ? [answered] : [answered, still];
  }

  #partOf(info) {
    if (info?.parentID === undefined || this.#parts.has(info.id)) return;
    const [oldest] = this.#parts;
    if (this.#parts.size >= PARTS_MAX) this.#parts.delete(oldest);
    this.#parts.add(info.id);
  }
}

/** In the words that Claude Code has for them, and one for a turn that a person has stopped. */
function kindOf({ name, data }) {
  const status = data?.statusCode;
  if (name === STOPPED) return 'interrupted';
  if (status === 429) return 'rate_limit';
  if (status === 401 || status === 403 || name === 'ProviderAuthError') return 'authentication_failed';
  return 'server_error';
}
