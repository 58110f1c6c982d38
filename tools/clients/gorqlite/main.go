// gorqlite, unchanged, against a running cluster: the argument is a URL with user and password.
package main

import (
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/rqlite/gorqlite"
)

func check(ok bool, what string, seen any) {
	if !ok {
		fmt.Println("gorqlite:", what, seen)
		os.Exit(1)
	}
}

func main() {
	conn, err := gorqlite.Open(os.Args[1])
	check(err == nil, "open", err)
	leader, err := conn.Leader()
	check(err == nil && leader != "", "leader", err)
	peers, err := conn.Peers()
	check(err == nil && len(peers) > 0, "peers", err)
	_, err = conn.WriteOne("DROP TABLE IF EXISTS go_one")
	check(err == nil, "drop", err)
	_, err = conn.WriteOne("CREATE TABLE go_one (id INTEGER PRIMARY KEY, name TEXT UNIQUE, n INTEGER)")
	check(err == nil, "create", err)
	wrote, err := conn.WriteOneParameterized(gorqlite.ParameterizedStatement{
		Query:     "INSERT INTO go_one(name, n) VALUES(?, ?)",
		Arguments: []interface{}{"ada", int64(math.MaxInt64)},
	})
	check(err == nil && wrote.LastInsertID == 1 && wrote.RowsAffected == 1, "insert", wrote)
	for _, level := range []string{"none", "weak", "linearizable", "strong"} {
		parsed, err := gorqlite.ParseConsistencyLevel(level)
		check(err == nil, level, err)
		check(conn.SetConsistencyLevel(parsed) == nil, level, err)
		rows, err := conn.QueryOne("SELECT name, n = 9223372036854775807 FROM go_one")
		check(err == nil && rows.Next(), level, err)
		var name string
		var same int64
		check(rows.Scan(&name, &same) == nil && name == "ada" && same == 1, level, name)
	}
	_, err = conn.Write([]string{
		"INSERT INTO go_one(name) VALUES('bob')",
		"INSERT INTO go_one(name) VALUES('ada')",
	})
	check(err != nil, "a broken constraint was no error", err)
	rows, err := conn.QueryOne("SELECT count(*) FROM go_one")
	var count int64
	check(err == nil && rows.Next() && rows.Scan(&count) == nil && count == 1, "rolled back", count)
	_, err = conn.QueryOne("SELECT * FROM nothing_here")
	check(err != nil || strings.Contains(fmt.Sprint(err), "no such table"), "error", err)
	fmt.Println("gorqlite: ok")
}
