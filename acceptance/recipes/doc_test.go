// Package recipes_test does what docs/recipes.md tells its readers to do, on a
// network with the names and addresses of that page, and holds what is printed
// against what the page says. So it does with the README's section for newcomers.
//
// A recipe is a section of the page. Its blocks are taken in order:
//
//	sh        is typed into one shell, which lives as long as the recipe
//	text      is what the block before it prints; without one, it prints nothing
//	KIND NAME is a file of that name
//
// A comment, <!-- lab: EVENT -->, is what happens to the network in between.
// Times, RTTs and identities are other each time and are not compared.
//
// It needs root, namespaces and jq; without them it is skipped with the reason,
// or fails if NETSONDE_LAB=require.
package recipes_test
