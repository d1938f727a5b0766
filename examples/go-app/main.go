package main

import "fmt"

func main() {
	fmt.Println("Hello from a binary of a few megabytes, without its compiler.")
}
