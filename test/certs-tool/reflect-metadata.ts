// The two functions of the metadata proposal that the container inside @peculiar/x509 asks for when
// it loads. Import this before it.
const kept = new WeakMap<object, Map<unknown, unknown>>();

const metadataOf = (key: unknown, target: object): unknown => kept.get(target)?.get(key);

Object.assign(Reflect, {
  getMetadata: metadataOf,
  getOwnMetadata: metadataOf,
  defineMetadata: (key: unknown, value: unknown, target: object): void => {
    kept.set(target, (kept.get(target) ?? new Map()).set(key, value));
  },
});
