import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { keyPattern, type Key, type Statement, type Unit, type Value } from './recording.ts';

/** Listens to what sessions ask of a PostgreSQL, and changes nothing of it. */
export interface PostgresTap extends AsyncDisposable {
  /** Of the same database, through the tap. */
  readonly url: string;
  /** What was committed or rolled back up to now, in the order in which it was. */
  readonly units: readonly Unit[];
  /** What PostgreSQL refused. */
  readonly errors: readonly string[];
}

/** Opens a tap in front of the database that a URL leads to. */
export async function tapPostgres(url: string): Promise<PostgresTap> {
  const target = new URL(url);
  const units: Unit[] = [];
  const errors: string[] = [];
  const sockets = new Set<Socket>();
  const keys = new Set<string>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    const session = listen({ keys, onUnit: (unit) => units.push(unit), onError: (text) => errors.push(text) });
    client.on('data', session.fromClient).pipe(upstream);
    upstream.on('data', session.fromServer).pipe(client);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => void (sockets.delete(socket), other.destroy()));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const tapped = new URL(url);
  tapped.hostname = '127.0.0.1';
  tapped.port = String(typeof address === 'object' && address !== null ? address.port : 0);
  return {
    url: tapped.href,
    units,
    errors,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A statement that was asked and is not answered yet. */
interface Asked {
  readonly sql: string;
  readonly values: readonly Value[];
  readonly isSimple: boolean;
  columns: readonly string[];
  readonly keys: Key[];
  returned: number;
  rows: number | null;
}

/**
 * Understands one session. What is asked waits in line for its answer, because
 * a session may ask several things before the first is answered; a unit is told
 * of when its last statement is answered, which is the order of commits.
 *
 * Source: PostgreSQL, Frontend/Backend Protocol, Message Formats.
 */
function listen(told: {
  /** Those that were seen, by any session. */
  readonly keys: Set<string>;
  readonly onUnit: (unit: Unit) => void;
  readonly onError: (text: string) => void;
}) {
  const prepared = new Map<string, string>();
  const bound = new Map<string, Pick<Asked, 'sql' | 'values'>>();
  const asked: Asked[] = [];
  let parameters: ReadonlyMap<string, string> = new Map();
  let open: Statement[] | null = null;

  const ask = (what: Pick<Asked, 'sql' | 'values' | 'isSimple'>): void =>
    void asked.push({ ...what, columns: [], keys: [], returned: 0, rows: null });
  const finish = ({ sql, values, rows, columns, keys }: Asked): void => {
    const verb = sql.trim().toLowerCase();
    if (verb === 'begin' || verb.startsWith('start transaction')) open = [];
    const statement = { sql, values, rows: rows ?? 0, columns, keys };
    open?.push(statement);
    if (open !== null && verb !== 'commit' && verb !== 'rollback') return;
    const session = parameters.get('application_name') ?? '';
    const statementMs = Number(parameters.get('statement_timeout') ?? 0);
    told.onUnit({ session, statementMs, statements: open ?? [statement] });
    open = null;
  };

  const fromClient = messages('startup', (type, body) => {
    switch (type) {
      case 'startup':
        parameters = readPairs(body);
        break;
      case 'P': {
        const [name, sql] = [body.text(), body.text()];
        prepared.set(name, sql);
        break;
      }
      case 'B': {
        const [portal, name] = [body.text(), body.text()];
        bound.set(portal, { sql: prepared.get(name) ?? '', values: readValues(body) });
        break;
      }
      case 'E': {
        const portal = bound.get(body.text());
        if (portal !== undefined) ask({ ...portal, isSimple: false });
        break;
      }
      case 'Q':
        ask({ sql: body.text(), values: [], isSimple: true });
    }
  });
  // The first bytes of the server are messages like all others.
  const fromServer = messages('typed', (type, body) => {
    const [first] = asked;
    switch (type) {
      case 'T':
        if (first !== undefined) first.columns = readColumns(body);
        break;
      case 'D':
        if (first === undefined) break;
        for (const [at, cell] of readCells(body).entries()) {
          if (cell.match(keyPattern)?.[0] !== cell || told.keys.has(cell)) continue;
          told.keys.add(cell);
          first.keys.push([first.returned, first.columns[at] ?? '', cell]);
        }
        first.returned += 1;
        break;
      case 'C':
      case 'I': {
        if (first === undefined) break;
        first.rows = Number(/\d+$/.exec(type === 'I' ? '' : body.text())?.[0] ?? 0);
        if (!first.isSimple) finish(asked.shift() ?? first);
        break;
      }
      case 'E':
        told.onError(`${first?.sql}: ${body.rest().toString('utf8').replaceAll('\0', ' ')}`);
        break;
      case 'Z':
        // Of an earlier statement's end where this one has not been answered.
        if (first?.isSimple === true && first.rows !== null) finish(asked.shift() ?? first);
    }
  });
  return { fromClient, fromServer };
}

/** Cuts a stream into messages. The first of a client has no type. */
function messages(begins: 'startup' | 'typed', tell: (type: string, body: Reader) => void): (chunk: Buffer) => void {
  let held = Buffer.alloc(0);
  let isFirst = begins === 'startup';
  return (chunk) => {
    held = Buffer.concat([held, chunk]);
    for (;;) {
      const at = isFirst ? 0 : 1;
      if (held.length < at + 4) return;
      const end = at + held.readInt32BE(at);
      if (held.length < end) return;
      tell(isFirst ? 'startup' : held.toString('latin1', 0, 1), reader(held.subarray(at + 4, end)));
      isFirst = false;
      held = held.subarray(end);
    }
  };
}

interface Reader {
  readonly text: () => string;
  readonly int16: () => number;
  readonly int32: () => number;
  readonly bytes: (length: number) => Buffer;
  readonly rest: () => Buffer;
}

function reader(body: Buffer): Reader {
  let at = 0;
  const bytes = (length: number): Buffer => body.subarray(at, (at += length));
  return {
    text: () => {
      const text = bytes(body.indexOf(0, at) - at).toString('utf8');
      at += 1;
      return text;
    },
    int16: () => bytes(2).readInt16BE(),
    int32: () => bytes(4).readInt32BE(),
    bytes,
    rest: () => body.subarray(at),
  };
}

function readPairs(body: Reader): ReadonlyMap<string, string> {
  body.int32();
  const words = body.rest().toString('utf8').split('\0');
  return new Map(words.flatMap((word, at) => (at % 2 === 0 && word !== '' ? [[word, words[at + 1] ?? '']] : [])));
}

/** As pg sends them: text, and bytes as they are. */
function readValues(body: Reader): readonly Value[] {
  const formats = Array.from({ length: body.int16() }, () => body.int16());
  return Array.from({ length: body.int16() }, (_, at): Value => {
    const length = body.int32();
    if (length < 0) return null;
    const bytes = body.bytes(length);
    return formats[formats.length === 1 ? 0 : at] === 1 ? { hex: bytes.toString('hex') } : bytes.toString('utf8');
  });
}

function readColumns(body: Reader): readonly string[] {
  return Array.from({ length: body.int16() }, () => {
    const name = body.text();
    body.bytes(18);
    return name;
  });
}

function readCells(body: Reader): readonly string[] {
  return Array.from({ length: body.int16() }, () => {
    const length = body.int32();
    return length < 0 ? '' : body.bytes(length).toString('utf8');
  });
}
