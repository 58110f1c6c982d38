// The web console as a browser shows it, against a real cluster: a query with its result, and the
// cluster; also narrow and dark, to look at.
import { Browser, type Login } from './browser.ts';

/** What is typed into the editor: everything that a table of results can hold. */
const statements = `CREATE TABLE IF NOT EXISTS book (id INTEGER PRIMARY KEY, title TEXT, price REAL, cover BLOB);
INSERT INTO book(title, price, cover) VALUES ('The Sea', 12.0, x'89504e470d0a'), ('Stoner', 9.5, NULL);
SELECT *, 9223372036854775807 - id AS large FROM book;
SELECT nonsense FROM book;`;

/** A picture: its name, and a PNG. */
export interface Shot {
  readonly name: string;
  readonly png: Buffer;
}

/**
 * Looks at the console at an address (`https://host:port`). The last of the pictures are to look at
 * only: narrow and dark.
 */
export const consoleShots = async (url: string, login: Login): Promise<readonly Shot[]> => {
  const browser = await Browser.open(login);
  try {
    await browser.show(1000, 830, false);
    await browser.go(`${url}/`);
    await browser.until(`document.getElementById('user').innerText === '${login.username}'`);
    await browser.value('document.getElementById("editor").focus()');
    await browser.type(statements);
    await browser.pressEnter(true);
    await browser.until("document.querySelector('#results .fault') !== null");
    const query = { name: 'console', png: await browser.picture() };
    await browser.show(400, 900, true);
    const narrow = { name: 'console-narrow', png: await browser.picture() };
    await browser.value('location.hash = "cluster"');
    await browser.until("document.querySelectorAll('#cluster-parts table').length > 1");
    const narrowCluster = { name: 'console-narrow-cluster', png: await browser.picture() };
    await browser.value('location.hash = "schema"');
    await browser.until("document.querySelector('#schema-list details') !== null");
    await browser.value('document.querySelector("#schema-list summary").click()');
    const narrowSchema = { name: 'console-narrow-schema', png: await browser.picture() };
    await browser.show(1000, 700, true);
    await browser.value('location.hash = "cluster"');
    await browser.until("document.querySelectorAll('#cluster-parts table').length > 1");
    const cluster = { name: 'console-cluster', png: await browser.picture() };
    await browser.value('location.hash = "backup"');
    const backup = { name: 'console-backup', png: await browser.picture() };
    if (browser.complaints.length > 0) throw new Error(browser.complaints.join('\n'));
    return [query, cluster, narrow, narrowCluster, narrowSchema, backup];
  } finally {
    await browser.close();
  }
};
