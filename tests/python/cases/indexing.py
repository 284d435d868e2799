"""Reading and writing parts of arrays."""

LINES = r"""
# indexing
n[0]
n[-1]
n[3]
n[1, 2]
n[..., 1]
n[None]
n[:, None]
n[1:]
n[::-1]
n[::2, 1::2]
n[5:9]
n[-2:, :-1]
n[2:0:-1]
n[::-2, ::-1]
n[mx.array([0, 2])]
n[mx.array([0, -1])]
n[mx.array([[0], [1]]), mx.array([1, 2])]
n[[0, 2]]
n[[0, 2], [1, 3]]
n[:, mx.array([1, 3])]
n[mx.array([0, 2]), 1]
n[0, mx.array([0, 1])]
n[mx.array(1)]
n[mx.array(1), 0]
n[mx.array([0, 2]), None]
n[mx.array([0, 1], mx.uint8)]
n[mx.array([], dtype=mx.int32)]
n[()]
n[None, ..., None]
n[[True, False, True]]
n[n > 3]
n[np.array([0, 1])]
n[np.int64(1)]
n[1.0]
n['a']
n[True]
n[0, 0, 0]
n[..., ...]
n[mx.array(1):]
n[mx.array([0.5])]
t[0, :, mx.array([0, 1])]
t[mx.array([0, 1]), :, mx.array([0, 1])]
t[:, mx.array([0, 1]), mx.array([0, 1])]
t[:, mx.array([0, 1]), 2]
t[None, mx.array([0, 1]), None, mx.array([0, 1])]
t[..., mx.array([0, 1]), :]
t[1:, mx.array([[0, 1], [1, 2]]), ::2]
t[mx.array([0, 1]), 1:, None, 2]
s[0]
s[None]
s[...]
P.assign(n, 0, 9)
P.assign(n, (0, 1), 9)
P.assign(n, -1, mx.array([1, 2, 3, 4]))
P.assign(n, slice(None), 7)
P.assign(n, slice(1, None), 7.9)
P.assign(n, (slice(None, None, 2), slice(1, None, 2)), mx.array([[1, 2], [3, 4]]))
P.assign(n, (slice(None, None, -1),), n)
P.assign(n, (Ellipsis, 1), 5)
P.assign(n, (None, 0), 5)
P.assign(n, Ellipsis, 5)
P.assign(n, mx.array([0, 2]), 5)
P.assign(n, mx.array([0, 2]), mx.array([[1, 2, 3, 4], [5, 6, 7, 8]]))
P.assign(n, mx.array([0, 2]), mx.array([5, 6, 7, 8]))
P.assign(n, (mx.array([0, 2]), 1), 5)
P.assign(n, (slice(None), mx.array([0, 2])), 5)
P.assign(n, (slice(1, None), mx.array([0, 2])), mx.array([[5, 6], [7, 8]]))
P.assign(n, (mx.array([0, 1]), mx.array([2, 3])), mx.array([5, 6]))
P.assign(n, (mx.array([[0], [1]]), mx.array([2, 3])), mx.array([5, 6]))
P.assign(n, [0, 2], 5)
P.assign(n, n > 5, 0)
P.assign(n, n > 5, mx.array([1, 2, 3, 4, 5, 6]))
P.assign(n, mx.array([True, False, True]), -1)
P.assign(n, np.array([True, False, True]), -1)
P.assign(n, True, -1)
P.assign(n, np.array([0, 1]), -1)
P.assign(t, (0, slice(None), mx.array([0, 1])), 9)
P.assign(t, (mx.array([0, 1]), slice(None), mx.array([0, 1])), 9)
P.assign(t, (mx.array([0, 1]), slice(1, 3), mx.array([0, 1])), mx.array([[1, 2], [3, 4]]))
P.assign(t, (slice(0, 1), mx.array([0, 1]), slice(None, None, 2)), mx.array([[1, 2], [3, 4]]))
P.assign(t, (None, 0), mx.ones((1, 3, 4)))
P.assign(n, 0, [1, 2, 3, 4])
P.assign(n, 0, None)
P.assign(n, 'a', 1)
P.assign(n, (0, 0, 0), 1)
P.assign(n, slice(None), mx.array([1, 2]))
P.assign(x, (0, 0), 1 << 20)
P.assign(data(u8), 0, 300)
P.assign(data(u8), 0, 2.7)
n.at[0].add(1)
n.at[mx.array([0, 0])].add(1)
n.at[mx.array([0, 0]), mx.array([1, 1])].add(mx.array([10, 20]))
n.at[:, 1:2].multiply(3)
n.at[0].maximum(5)
n.at[0, 1].minimum(-3)
n.at[0].divide(2)
x.at[0].divide(2)
n.at[0].subtract(mx.array([1, 2, 3, 4]))
n.at[mx.array([0, 1, 0])].maximum(mx.array([[9], [8], [7]]))
n.at.add(1)
n.at[0].add([1])
mx.take(n, 1)
mx.take(n, mx.array([0, 1]), axis=1)
mx.take(n, mx.array([[0, 1]]), axis=0)
mx.take(n, 1, axis=0)
mx.take(n, mx.array([0.5]))
mx.take(n, mx.array([0]), axis=3)
mx.take_along_axis(n, mx.array([[0], [1], [2]]), axis=1)
mx.take_along_axis(n, mx.array([0, 1]), axis=1)
mx.take_along_axis(n, mx.array([0, 5]), axis=None)
mx.put_along_axis(n, mx.array([[0], [1], [2]]), mx.array(9), axis=1)
mx.put_along_axis(n, mx.array([0, 5]), mx.array([7, 8]), axis=None)
mx.slice(n, mx.array([1, 1]), (0, 1), (2, 2))
mx.slice_update(n, mx.array([[7, 8]]), mx.array([1, 1]), (0, 1))
mx.searchsorted(v, mx.array([0.0, 2.0, 5.0]))
mx.searchsorted(v, mx.array(2.0), side='right')
mx.searchsorted(n, v)
"""
