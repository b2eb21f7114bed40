package agent

// nameQueue is names in the order in which they are looked up again: a heap.
// Those that are addresses, or whose lookup is in flight, are not in it.
type nameQueue []*name

// clear lets nobody wait.
func (q *nameQueue) clear() {
	for i, n := range *q {
		n.place = 0
		(*q)[i] = nil
	}
	*q = (*q)[:0]
}

func (q nameQueue) Len() int           { return len(q) }
func (q nameQueue) Less(i, j int) bool { return q[i].again.Before(q[j].again) }
func (q nameQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = int32(i+1), int32(j+1)
}

// Push and Pop are for container/heap.
func (q *nameQueue) Push(x any) {
	n := x.(*name)
	*q = append(*q, n)
	n.place = int32(len(*q))
}

func (q *nameQueue) Pop() any {
	last := len(*q) - 1
	n := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	n.place = 0
	return n
}
