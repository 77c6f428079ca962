/** Where the published examples say nothing about the shape: each with its reason. */
const EXCUSED: Readonly<Record<string, string>> = {
  'event.data.object': 'whatever the event is about',
};

/**
 * What differs between an answer of ours and Stripe's example: a field that is missing, or of another type. A null on
 * either side fits any type; fields that only ours has are new in the API since the examples were written.
 */
export function compareShape(path: string, ours: unknown, example: unknown): string[] {
  if (path in EXCUSED || example === null || example === undefined || ours === null) return [];
  if (kindOf(ours) !== kindOf(example)) {
    // A reference is an id, or the object where it was expanded.
    const isReference = (a: unknown, b: unknown): boolean => typeof a === 'string' && kindOf(b) === 'object';
    if (isReference(ours, example) || isReference(example, ours)) return [];
    return [`${path}: ${kindOf(ours)}, Stripe has ${kindOf(example)}`];
  }
  if (Array.isArray(example) && Array.isArray(ours)) {
    if (example.length === 0 || ours.length === 0) return [];
    return compareShape(`${path}[]`, ours[0], example[0]);
  }
  if (kindOf(example) !== 'object') return [];
  const own = ours as Record<string, unknown>;
  return Object.entries(example as Record<string, unknown>).flatMap(([name, value]) => {
    if (path.endsWith('.metadata')) return [];
    if (!(name in own)) return [`${path}.${name}: missing`];
    return compareShape(`${path}.${name}`, own[name], value);
  });
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value;
}
