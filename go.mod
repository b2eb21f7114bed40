module netsonde

go 1.26.0
