// Certificates and keys that may change while the server runs. All or nothing: what is read and
// fails a check changes nothing, and the last good material stays in use.
import { isDeepStrictEqual } from 'node:util';
import { CodedError } from '#errors.ts';

/** What a reload came to. */
export type Reload =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'reloaded' }
  /** The old material stays; `error` says why. */
  | { readonly kind: 'kept'; readonly error: CodedError };

/** Holds the material in use. */
export interface ReloadableMaterial<M> {
  /** The same object until something changed: listeners compare it to see whether to act. */
  current(): M;
  /**
   * Reads and checks again.
   *
   * @param accept judges what has changed: a CodedError that it throws keeps the old material
   */
  tryReload(accept?: (loaded: M) => void): Reload;
}

/**
 * Loads for the first time.
 *
 * @param load reads and checks everything, or throws
 * @throws whatever `load` throws: at start there is nothing to fall back on
 */
export const reloadableMaterial = <M>(load: () => M): ReloadableMaterial<M> => {
  let current = load();
  return {
    current: () => current,
    tryReload: (accept) => {
      let loaded: M;
      try {
        loaded = load();
        if (isDeepStrictEqual(loaded, current)) return { kind: 'unchanged' };
        accept?.(loaded);
      } catch (error) {
        if (error instanceof CodedError) return { kind: 'kept', error };
        throw error;
      }
      current = loaded;
      return { kind: 'reloaded' };
    },
  };
};
