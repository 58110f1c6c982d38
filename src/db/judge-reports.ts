// Judges what the authorizer reports about one statement, and keeps what it reaches: the tables for
// the rules of users, recursion for the bound on cost. Anything that is not on a list is refused.
import { functionAllowed } from './function-list.ts';
import { variesByNode } from './pragma-list.ts';
import {
  isDeniedName,
  isInternalName,
  type Refusal,
  type StatementAccess,
} from './statement-class.ts';
import { action, type Report } from './twin.ts';

const refusal = (reason: string, hint: string): Refusal => ({ reason, hint });

const schemaActions = new Set<number>([
  action.createIndex,
  action.createTable,
  action.createTrigger,
  action.createView,
  action.createVirtualTable,
  action.dropIndex,
  action.dropTable,
  action.dropTrigger,
  action.dropView,
  action.dropVirtualTable,
  action.alterTable,
  action.reindex,
  action.analyze,
]);

/** Reports that name an object of a table first and the table second. */
const ofTable = new Set<number>([
  action.createIndex,
  action.createTrigger,
  action.dropIndex,
  action.dropTrigger,
  action.alterTable,
]);

/** ALTER TABLE has the database in the place of the object. */
const databaseOf = (report: Report): string | null =>
  report.action === action.alterTable ? report.first : report.database;

const schemaTables = new Set(['sqlite_schema', 'sqlite_master']);

const ofSqlite = (name: string): boolean => name.startsWith('sqlite_');

/** What one statement reaches. */
export class Reach {
  readonly reads = new Set<string>();
  /** Read without a column: tables, or subqueries that SQLite reports by their alias. */
  readonly bare = new Set<string>();
  readonly writes = new Set<string>();
  recursive = false;
  readonly #access: StatementAccess;
  readonly #verb: string;
  readonly #isShadow: (report: Report) => boolean;

  /** `isShadow`: the statement itself reads what a virtual table keeps. */
  constructor(
    { access, verb }: { readonly access: StatementAccess; readonly verb: string },
    isShadow: (report: Report) => boolean = () => false,
  ) {
    this.#access = access;
    this.#verb = verb;
    this.#isShadow = isShadow;
  }

  /** Judges a report and remembers it. */
  judge(report: Report): Refusal | undefined {
    const database = databaseOf(report);
    if (database !== null && database !== 'main' && !this.#looksIntoTemp(report)) {
      return refusal(`the database ${database} is not open`, 'leave out its name');
    }
    switch (report.action) {
      case action.select:
        return undefined;
      case action.recursive:
        this.recursive = true;
        return undefined;
      case action.read:
        return this.#read(report);
      case action.function:
        return this.#function((report.second ?? '').toLowerCase());
      case action.insert:
      case action.update:
      case action.delete:
        return this.#write(report.first ?? '');
      default:
        return this.#schema(report);
    }
  }

  get #changesSchema(): boolean {
    return this.#access === 'schema' || this.#access === 'maintenance';
  }

  /** CREATE, DROP and ALTER look for objects of the same name among the temporary ones. */
  #looksIntoTemp({ action: code, database }: Report): boolean {
    return this.#changesSchema && database === 'temp' && !schemaActions.has(code);
  }

  #read(report: Report): Refusal | undefined {
    const table = report.first ?? '';
    const name = table.toLowerCase();
    if (isDeniedName(name)) return refusal(`the table ${table} is not open`, 'read another table');
    if (this.#access !== 'read') {
      // It holds this program's own tables as well, which are those of a version.
      if (this.#access === 'write' && schemaTables.has(name)) {
        return refusal(`what ${table} holds may differ between nodes`, 'use it in a query only');
      }
      if (variesByNode(name)) {
        return refusal(`the table ${table} may differ between nodes`, 'use it in a query only');
      }
      if (this.#isShadow(report)) {
        return refusal(
          `what ${table} holds may differ between nodes`,
          'read the virtual table, or use it in a query only',
        );
      }
    }
    (report.second === '' ? this.bare : this.reads).add(table);
    return undefined;
  }

  #function(name: string): Refusal | undefined {
    // ALTER TABLE does its work with functions of its own.
    if (this.#verb === 'ALTER' && ofSqlite(name)) return undefined;
    if (functionAllowed(name, this.#access !== 'read')) return undefined;
    return functionAllowed(name, false)
      ? refusal(`the function ${name}() may differ between nodes`, 'use it in a query only')
      : refusal(`the function ${name}() is not open to statements`, 'use another function');
  }

  #write(table: string): Refusal | undefined {
    const name = table.toLowerCase();
    if (isInternalName(name)) {
      return refusal(`the table ${table} is this program's own`, 'leave it');
    }
    // CREATE, DROP and ALTER report what they do to SQLite's own tables; nobody else may.
    if (ofSqlite(name)) {
      return this.#changesSchema
        ? undefined
        : refusal(`the table ${table} is SQLite's own`, 'change the schema with CREATE or DROP');
    }
    this.writes.add(table);
    return undefined;
  }

  #schema(report: Report): Refusal | undefined {
    if (!schemaActions.has(report.action) || !this.#changesSchema) {
      return refusal(`action ${report.action} of SQLite is not open to statements`, 'leave it out');
    }
    const named = [report.first, report.second].map((name) => (name ?? '').toLowerCase());
    const denied = named.find((name) => name !== '' && isDeniedName(name));
    if (denied !== undefined) return refusal(`the name ${denied} is reserved`, 'use another name');
    const table = ofTable.has(report.action) ? report.second : report.first;
    // An index that is built anew is named without its table; CREATE INDEX reports that besides.
    if (table !== null && report.action !== action.reindex) this.writes.add(table);
    return undefined;
  }
}
