"""What others do: the same six steps as each of them would write it, as children of the benchmark.

Way in: `python -m bench.rivals.<name>`, orders as one line of JSON: {url, process, under_way, mode, warm, seconds}.
The answer: {instances, seconds}, counted between the two instants, all of them begun and ended by this child.
"""
