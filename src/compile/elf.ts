/** What an ELF executable asks of the system it runs on: the libraries it names, and the oldest C library that has its symbols. */

export type ElfNeeds = { libraries: string[]; glibc: string | null; libstdcxx: string | null };

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const DT_STRSZ = 10n;
const ENTRY_BYTES = 16;
/** A dynamic section has some dozens of entries; more is no executable. */
const ENTRIES_MAX = 4_096;

/** Of a 64-bit little-endian ELF; undefined for anything else. */
export function elfNeeds(file: Buffer): ElfNeeds | undefined {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) return undefined;
  const segments = segmentsOf(file);
  const dynamic = segments.find((segment) => segment.type === PT_DYNAMIC);
  if (dynamic === undefined) return { libraries: [], glibc: null, libstdcxx: null };
  const entries = dynamicEntries(file, dynamic.offset);
  const table = entries.find(({ tag }) => tag === DT_STRTAB);
  const size = entries.find(({ tag }) => tag === DT_STRSZ);
  const load = segments.find(
    (one) =>
      one.type === PT_LOAD && table !== undefined && table.value >= one.address && table.value < one.address + one.size,
  );
  if (table === undefined || size === undefined || load === undefined) return undefined;
  const begin = Number(table.value - load.address) + load.offset;
  const strings = file.subarray(begin, begin + Number(size.value));
  const text = (at: number): string => strings.toString('latin1', at, strings.indexOf(0, at));
  return {
    libraries: entries.filter(({ tag }) => tag === DT_NEEDED).map(({ value }) => text(Number(value))),
    glibc: highest(strings, 'GLIBC_'),
    libstdcxx: highest(strings, 'GLIBCXX_'),
  };
}

type Segment = { type: number; offset: number; address: bigint; size: bigint };

function segmentsOf(file: Buffer): Segment[] {
  const begin = Number(file.readBigUInt64LE(32));
  const bytes = file.readUInt16LE(54);
  return Array.from({ length: file.readUInt16LE(56) }, (_, index) => {
    const at = begin + index * bytes;
    return {
      type: file.readUInt32LE(at),
      offset: Number(file.readBigUInt64LE(at + 8)),
      address: file.readBigUInt64LE(at + 16),
      size: file.readBigUInt64LE(at + 32),
    };
  });
}

function dynamicEntries(file: Buffer, begin: number): { tag: bigint; value: bigint }[] {
  const entries = [];
  for (let at = begin; entries.length < ENTRIES_MAX && at + ENTRY_BYTES <= file.length; at += ENTRY_BYTES) {
    const tag = file.readBigUInt64LE(at);
    if (tag === 0n) break;
    entries.push({ tag, value: file.readBigUInt64LE(at + 8) });
  }
  return entries;
}

/** The highest version of a family of symbol versions among the strings, as `2.28`. */
function highest(strings: Buffer, family: string): string | null {
  const versions = new Set(
    Array.from(
      strings.toString('latin1').matchAll(new RegExp(`\\0${family}(\\d+(?:\\.\\d+)+)(?=\\0)`, 'g')),
      ([, version = '']) => version,
    ),
  );
  return [...versions].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1) ?? null;
}
